"""How much the archive holds, and how much it may."""

import structlog
from sqlalchemy import func, select

from flawgate_gateway.archive.observer import PictureObserver
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import evidence

log = structlog.get_logger(__name__)


class Budget:
    """The bytes of all pictures on record, as last counted, and what this gateway has added since.

    Two inspections of the same frame count twice, though its bytes lie there once.
    """

    def __init__(self, *, max_bytes: int, observer: PictureObserver) -> None:
        """Nothing is counted yet.

        Args:
            max_bytes: from here on no pictures of good parts are kept.
            observer: is told of each count.
        """
        self._max_bytes = max_bytes
        self._observer = observer
        self._bytes = 0
        self._is_counted = False
        self._was_full = False

    @property
    def is_full(self) -> bool:
        """Whether the bound is reached."""
        return self._bytes >= self._max_bytes

    def add(self, stored_bytes: int) -> None:
        """Some were kept."""
        self._set(self._bytes + stored_bytes)

    async def count(self, database: Database) -> None:
        """Count them all.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        held = await kept_bytes(database)
        self._is_counted = True
        self._set(held)

    def _set(self, held: int) -> None:
        self._bytes = held
        if self._is_counted:
            self._observer.level(held, self._max_bytes)
        if self.is_full != self._was_full:
            self._was_full = self.is_full
            if self.is_full:
                log.warning("archive is full: pictures of good parts are not kept", bytes=held, max=self._max_bytes)
            else:
                log.info("archive has room again", bytes=held, max=self._max_bytes)


async def kept_bytes(database: Database) -> int:
    """Of all pictures that are on record and not purged.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    total = select(func.coalesce(func.sum(evidence.c.stored_bytes), 0)).where(evidence.c.purged_at_us.is_(None))
    async with database.reading() as connection:
        return int((await connection.execute(total)).scalar_one())

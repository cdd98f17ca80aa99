"""What a purge would do."""

from dataclasses import dataclass

from sqlalchemy import and_

from flawgate_gateway.archive import dues
from flawgate_gateway.archive.budget import kept_bytes
from flawgate_gateway.archive.holds import is_held
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us


@dataclass(frozen=True, slots=True)
class Survey:
    """Of pictures on record, by evaluation: how many, and their bytes."""

    expired: dict[str, tuple[int, int]]
    """Their time is over, and nobody holds them."""
    held: dict[str, tuple[int, int]]
    """Their time is over, but a hold names them."""
    too_much_bytes: int
    """More than may be kept once those are gone; 0: there is room."""


async def survey(database: Database, *, max_bytes: int) -> Survey:
    """Look, and change nothing.

    Args:
        database: of the records.
        max_bytes: bytes that may be kept.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    late = dues.expired(now_us())
    expired = await dues.count(database, and_(late, ~is_held()))
    held = await dues.count(database, and_(late, is_held()))
    left = await kept_bytes(database) - sum(size for _, size in expired.values())
    return Survey(expired, held, max(0, left - max_bytes))

"""Leases: what one gateway of several does for all of them, such as delivering to a sink, or purging."""

import time
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import leases


def _claim(first: sqlite.Insert | postgresql.Insert) -> ReturningInsert[Any]:
    """Insert a claim, or overwrite one that is the same holder's or has ended; gives a row where that was done."""
    return first.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"owner": first.excluded.owner, "until_us": first.excluded.until_us},
        where=or_(leases.c.owner == first.excluded.owner, leases.c.until_us <= bindparam("claimed_at_us")),
    ).returning(leases.c.name)


_CLAIM_SQLITE, _CLAIM_POSTGRESQL = _claim(sqlite.insert(leases)), _claim(postgresql.insert(leases))


class Lease:
    """One holder's claim to a task, for a limited time.

    A lease keeps two gateways from doing the same work; it is no lock. A holder that stands still for longer than its
    lease, or clocks that differ by more than it lasts, let two believe that they hold it: what is done under a lease
    must be right even then, only done twice.
    """

    def __init__(self, database: Database, name: str, *, lasts_s: float, owner: str | None = None) -> None:
        """A claim that is not made yet.

        Args:
            database: that all gateways share.
            name: of the task, 1 to 128 characters.
            lasts_s: seconds from an `acquire` until somebody else may have it; renew after a third of them.
            owner: whose claim it is, 1 to 36 characters; a new UUID where None.
        """
        self._database = database
        self._name = name
        self._lasts_s = lasts_s
        self._owner = owner or str(uuid4())
        self._until = 0.0

    @property
    def is_held(self) -> bool:
        """Whether the time has not run out since it was acquired, by this machine's monotonic clock."""
        return time.monotonic() < self._until

    async def acquire(self) -> bool:
        """Take the lease, or renew it; False where another holds it.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        asked = time.monotonic()
        now = now_us()
        until_us = now + round(self._lasts_s * 1_000_000)
        claim = {"name": self._name, "owner": self._owner, "until_us": until_us, "claimed_at_us": now}
        statement = _CLAIM_SQLITE if self._database.is_sqlite else _CLAIM_POSTGRESQL
        taken = await self._database.write(lambda connection: connection.execute(statement, claim).first() is not None)
        self._until = asked + self._lasts_s if taken else 0.0
        return taken

    async def release(self) -> None:
        """Give it back, so that another need not wait for its end; nothing happens where another holds it.

        Raises:
            RecordsUnavailable: the database does not answer; the lease then ends by itself.
        """
        self._until = 0.0
        ours = delete(leases).where(leases.c.name == self._name, leases.c.owner == self._owner)
        await self._database.write(lambda connection: connection.execute(ours))

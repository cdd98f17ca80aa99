"""Idempotency keys: of all requests under one key, and of all gateways on one database, one works.

A key is claimed before the work, under a lease that outlasts the request's deadline, and ended in the transaction that
writes the record. A gateway that dies in between leaves a claim whose lease runs out; the next try then takes it over.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from flawgate_contracts.errors import (
    FlawgateError,
    IdempotencyKeyReused,
    InternalError,
    RequestInProgress,
    error_classes,
)
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import idempotency_keys as keys

TIDIED_AT_ONCE = 1_000

# Built once: SQLAlchemy takes longer to build and look up a statement than SQLite takes to carry it out.
_TAKE_SQLITE = sqlite.insert(keys).on_conflict_do_nothing()
_TAKE_POSTGRESQL = postgresql.insert(keys).on_conflict_do_nothing()
_END = (
    update(keys)
    .where(keys.c.caller == bindparam("of"), keys.c.key == bindparam("named"), keys.c.owner == bindparam("held_by"))
    .values(owner=None, inspection_id=bindparam("come_to"))
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do the work of one key."""

    caller: str
    key: str
    owner: str
    """Of this claim alone: whoever takes it over gets another."""

    def row(self) -> ColumnElement[bool]:
        """The key's row, as long as the claim is ours."""
        return (keys.c.caller == self.caller) & (keys.c.key == self.key) & (keys.c.owner == self.owner)


async def claim(database: Database, wanted: Claim, fingerprint: str, *, lease_s: float, expires_s: float) -> str | None:
    """Claim a key.

    Args:
        database: of all gateways.
        wanted: the claim to make.
        fingerprint: of the request.
        lease_s: seconds after which another may take the claim over; longer than the work may last.
        expires_s: seconds for which the key is remembered.

    Returns:
        None: the claim is ours, and the work to be done. Else the id of the inspection that the key has come to.

    Raises:
        RequestInProgress: another claim is being worked on.
        IdempotencyKeyReused: the key came with another request.
        FlawgateError: the error that the same request has met before.
        RecordsUnavailable: the database does not answer.
    """
    now = now_us()
    values = {
        "fingerprint": fingerprint,
        "owner": wanted.owner,
        "lease_until_us": now + round(lease_s * 1e6),
        "expires_at_us": now + round(expires_s * 1e6),
        "inspection_id": None,
        "refusal": None,
    }
    same = (keys.c.caller == wanted.caller) & (keys.c.key == wanted.key)
    async with database.writing() as connection:
        if await _inserted(connection, database, {"caller": wanted.caller, "key": wanted.key, **values}):
            return None
        stands = (await connection.execute(select(keys).where(same).with_for_update())).mappings().one_or_none()
        if stands is None:
            raise RequestInProgress("A request with this idempotency key has just been given up; send it again.")
        if stands["expires_at_us"] > now:
            _check_same(stands, fingerprint)
            if stands["inspection_id"] is not None:
                return str(stands["inspection_id"])
            _check_free(stands, now)
        await connection.execute(update(keys).where(same).values(**values))
        return None


def new_claim(caller: str, key: str) -> Claim:
    """A claim that is not made yet."""
    return Claim(caller, key, str(uuid4()))


async def end(connection: AsyncConnection, claimed: Claim, inspection_id: str) -> None:
    """End a key by its inspection, within the transaction that records it.

    Raises:
        RequestInProgress: the lease ran out, and another took the claim over; the transaction must not be committed.
    """
    ours = {"of": claimed.caller, "named": claimed.key, "held_by": claimed.owner, "come_to": inspection_id}
    if (await connection.execute(_END, ours)).rowcount != 1:
        raise RequestInProgress("The request took too long, and another try of it is being worked on; ask again.")


async def refuse(database: Database, claimed: Claim, error: FlawgateError) -> None:
    """End a key by an error that the same request will always meet; every further try meets it."""
    refusal = json.dumps({"reason": error.reason, "message": error.message, "metadata": error.metadata})
    async with database.writing() as connection:
        await connection.execute(update(keys).where(claimed.row()).values(owner=None, refusal=refusal))


async def release(database: Database, claimed: Claim) -> None:
    """Give a claim back without an end, so that another try can do the work."""
    async with database.writing() as connection:
        await connection.execute(delete(keys).where(claimed.row()))


async def tidy(database: Database) -> int:
    """Forget keys that have expired, some at a time; how many it was."""
    expired = keys.c.expires_at_us < now_us()
    some = select(keys.c.caller, keys.c.key).where(expired).limit(TIDIED_AT_ONCE)
    async with database.writing() as connection:
        # Expired still: since it was found, a request with the same key may have claimed it anew.
        forgotten = delete(keys).where(tuple_(keys.c.caller, keys.c.key).in_(some), expired)
        return (await connection.execute(forgotten)).rowcount


async def _inserted(connection: AsyncConnection, database: Database, values: dict[str, Any]) -> bool:
    made = await connection.execute(_TAKE_SQLITE if database.is_sqlite else _TAKE_POSTGRESQL, values)
    return made.rowcount == 1


def _check_same(stands: Any, fingerprint: str) -> None:
    if stands["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused(
            "This idempotency key came before with another picture or other fields; take a new key for a new request."
        )
    if stands["refusal"] is not None:
        raise _refusal(stands["refusal"])


def _check_free(stands: Any, now: int) -> None:
    left_s = (stands["lease_until_us"] - now) / 1e6
    if left_s > 0:
        raise RequestInProgress(
            f"A request with this idempotency key is being worked on, for {left_s:.0f} s more at the longest; ask "
            "again shortly for its answer."
        )


def _refusal(document: str) -> FlawgateError:
    told = json.loads(document)
    classes = {cls.reason: cls for cls in error_classes()}
    return classes.get(told["reason"], InternalError)(told["message"], told["metadata"])

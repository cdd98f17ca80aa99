"""Idempotency keys: of all requests under one key, and of all gateways on one database, one works.

A key is claimed before the work, under a lease that outlasts the request's deadline, and ended in the transaction that
writes the record. A gateway that dies in between leaves a claim whose lease runs out; the next try then takes it over.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

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
_SAME = (keys.c.caller == bindparam("of")) & (keys.c.key == bindparam("named"))
_OURS = _SAME & (keys.c.owner == bindparam("held_by"))
_STANDING = select(keys).where(_SAME).with_for_update()
_TAKE_OVER = update(keys).where(_SAME)
_END = update(keys).where(_OURS).values(owner=None, inspection_id=bindparam("come_to"))
_REFUSE = update(keys).where(_OURS).values(owner=None, refusal=bindparam("refused_by"))
_RELEASE = delete(keys).where(_OURS)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do the work of one key."""

    caller: str
    key: str
    owner: str
    """Of this claim alone: whoever takes it over gets another."""

    def named(self) -> dict[str, str]:
        """Parameters of the key's row."""
        return {"of": self.caller, "named": self.key}

    def ours(self) -> dict[str, str]:
        """Parameters of the key's row, as long as the claim is ours."""
        return {**self.named(), "held_by": self.owner}


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
    return await database.write(lambda connection: _claim(connection, wanted, values, now))


def new_claim(caller: str, key: str) -> Claim:
    """A claim that is not made yet."""
    return Claim(caller, key, str(uuid4()))


def _claim(connection: Connection, wanted: Claim, values: Mapping[str, Any], now: int) -> str | None:
    """Insert the claim, or overwrite one that has expired or was left behind; else what `claim` gives or raises."""
    if _inserted(connection, {"caller": wanted.caller, "key": wanted.key, **values}):
        return None
    stands = connection.execute(_STANDING, wanted.named()).mappings().one_or_none()
    if stands is None:
        raise RequestInProgress("A request with this idempotency key has just been given up; send it again.")
    if stands["expires_at_us"] > now:
        _check_same(stands, values["fingerprint"])
        if stands["inspection_id"] is not None:
            return str(stands["inspection_id"])
        _check_free(stands, now)
    connection.execute(_TAKE_OVER, {**wanted.named(), **values})
    return None


def end(connection: Connection, claimed: Claim, inspection_id: str) -> None:
    """End a key by its inspection, within the transaction that records it.

    Raises:
        RequestInProgress: the lease ran out, and another took the claim over; the transaction must not be committed.
    """
    if connection.execute(_END, {**claimed.ours(), "come_to": inspection_id}).rowcount != 1:
        raise RequestInProgress("The request took too long, and another try of it is being worked on; ask again.")


async def refuse(database: Database, claimed: Claim, error: FlawgateError) -> None:
    """End a key by an error that the same request will always meet; every further try meets it."""
    refusal = json.dumps({"reason": error.reason, "message": error.message, "metadata": error.metadata})
    await database.write(lambda connection: connection.execute(_REFUSE, {**claimed.ours(), "refused_by": refusal}))


async def release(database: Database, claimed: Claim) -> None:
    """Give a claim back without an end, so that another try can do the work."""
    await database.write(lambda connection: connection.execute(_RELEASE, claimed.ours()))


async def tidy(database: Database) -> int:
    """Forget keys that have expired, some at a time; how many it was."""
    expired = keys.c.expires_at_us < now_us()
    some = select(keys.c.caller, keys.c.key).where(expired).limit(TIDIED_AT_ONCE)
    # Expired still: since it was found, a request with the same key may have claimed it anew.
    forgotten = delete(keys).where(tuple_(keys.c.caller, keys.c.key).in_(some), expired)
    return await database.write(lambda connection: connection.execute(forgotten).rowcount)


def _inserted(connection: Connection, values: dict[str, Any]) -> bool:
    take = _TAKE_SQLITE if connection.dialect.name == "sqlite" else _TAKE_POSTGRESQL
    return connection.execute(take, values).rowcount == 1


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

"""The API keys: made, listed, revoked. Of a secret only its SHA-256 is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from flawgate_contracts.errors import InvalidParameter, UnknownKey
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.access.tokens import KeyText, is_id
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us, now_us, to_us
from flawgate_gateway.database.tables import api_keys

MAX_NAME = 128
MAX_REQUESTS_PER_S = 1e6
MIN_REQUESTS_PER_S = 0.001


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, as it is stored. Moments are UTC."""

    id: str
    name: str
    secret_sha256: str
    scopes: frozenset[Scope]
    requests_per_s: float | None
    """None: the gateway's own rate for a key."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def caller(self) -> Caller:
        """Whoever holds it."""
        return Caller(self.id, self.name, self.scopes, self.requests_per_s)


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """What a new key shall be.

    Raises:
        InvalidParameter: a field is out of its range.
    """

    name: str
    """1 to 128 characters, none of them a control character."""
    scopes: frozenset[Scope]
    """One at least."""
    expires_at: datetime | None = None
    """In the future, with a time zone; None for a key that does not expire."""
    requests_per_s: float | None = None
    """0.001 to 1,000,000; None for the gateway's own rate for a key."""

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_NAME or not self.name.isprintable():
            raise _wrong("name", f"a key's name has 1 to {MAX_NAME} characters, none of them a control character")
        if not self.scopes:
            raise _wrong("scopes", f"a key needs one scope at least, of {', '.join(Scope)}")
        if self.expires_at is not None and (self.expires_at.tzinfo is None or to_us(self.expires_at) <= now_us()):
            raise _wrong("expires_at", "a key expires in the future, at a time with a time zone")
        rate = self.requests_per_s
        if rate is not None and not MIN_REQUESTS_PER_S <= rate <= MAX_REQUESTS_PER_S:
            raise _wrong("requests_per_s", f"a rate is {MIN_REQUESTS_PER_S:g} to {MAX_REQUESTS_PER_S:,.0f} a second")


class KeyBook:
    """The keys in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, order: KeyOrder) -> tuple[ApiKey, KeyText]:
        """Make a key; its text is given this once.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        text = KeyText.new()
        row = {
            "id": text.id,
            "name": order.name,
            "secret_sha256": text.secret.sha256(),
            "scopes": " ".join(sorted(order.scopes)),
            "requests_per_s": order.requests_per_s,
            "created_at_us": now_us(),
            "expires_at_us": None if order.expires_at is None else to_us(order.expires_at),
            "revoked_at_us": None,
        }
        async with self._database.writing() as connection:
            await connection.execute(insert(api_keys).values(row))
        return _key(row), text

    async def find(self, key_id: str) -> ApiKey:
        """One key, whatever became of it.

        Raises:
            UnknownKey: there is none of that id.
            RecordsUnavailable: the database does not answer.
        """
        if not is_id(key_id):
            raise _unknown(key_id)
        async with self._database.reading() as connection:
            found = (await connection.execute(select(api_keys).where(api_keys.c.id == key_id))).mappings().first()
        if found is None:
            raise _unknown(key_id)
        return _key(found)

    async def listed(self, *, after: str | None = None, limit: int) -> list[ApiKey]:
        """Keys in the order of their ids, expired and revoked ones too.

        Args:
            after: id of the last key of the page before; None for the first page.
            limit: most keys that are given, 1 or more.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        query = select(api_keys).order_by(api_keys.c.id).limit(limit)
        if after is not None:
            query = query.where(api_keys.c.id > after)
        async with self._database.reading() as connection:
            return [_key(row) for row in (await connection.execute(query)).mappings()]

    async def revoke(self, key_id: str) -> ApiKey:
        """End a key; ending it again changes nothing. Gateways that know it let it in for a few seconds more.

        Raises:
            UnknownKey: there is none of that id.
            RecordsUnavailable: the database does not answer.
        """
        if not is_id(key_id):
            raise _unknown(key_id)
        its = api_keys.c.id == key_id
        async with self._database.writing() as connection:
            await connection.execute(
                update(api_keys).where(its, api_keys.c.revoked_at_us.is_(None)).values(revoked_at_us=now_us())
            )
            found = (await connection.execute(select(api_keys).where(its))).mappings().first()
        if found is None:
            raise _unknown(key_id)
        return _key(found)


def _key(row: RowMapping | dict[str, Any]) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        secret_sha256=row["secret_sha256"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"].split()),
        requests_per_s=row["requests_per_s"],
        created_at=from_us(row["created_at_us"]),
        expires_at=_moment(row["expires_at_us"]),
        revoked_at=_moment(row["revoked_at_us"]),
    )


def _moment(moment_us: int | None) -> datetime | None:
    return None if moment_us is None else from_us(moment_us)


def _wrong(field: str, why: str) -> InvalidParameter:
    return InvalidParameter(f"The key cannot be made so: {why}.", {"field": field})


def _unknown(key_id: str) -> UnknownKey:
    if not is_id(key_id):
        # It may be a whole key, which must not be said again.
        return UnknownKey("That is no id of an API key: it is what stands between `fg_` and the next `_`.")
    return UnknownKey(f"There is no API key {key_id}; list them to see which there are.", {"key": key_id})

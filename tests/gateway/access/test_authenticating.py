import asyncio
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.api_keys import altered, bearer, order
from support.ports import free_port

from flawgate_contracts.errors import RecordsUnavailable, Unauthenticated
from flawgate_gateway.access.authenticating import MAX_LOOKUPS, Authenticator
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.access.keys import ApiKey, KeyBook
from flawgate_gateway.access.tokens import KeyText
from flawgate_gateway.database.connections import Database, connect

TTL_S = 0.3


class CountedKeys(KeyBook):
    """Counts the look-ups, and how many are made at once."""

    def __init__(self, database: Database, *, seconds: float = 0.0) -> None:
        super().__init__(database)
        self.lookups = 0
        self.most_at_once = 0
        self._at_once = 0
        self._seconds = seconds

    async def find(self, key_id: str) -> ApiKey:
        """See `KeyBook`."""
        self.lookups += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(self._seconds)
        try:
            return await super().find(key_id)
        finally:
            self._at_once -= 1


async def refused(authenticator: Authenticator, header: str) -> str:
    """The sentence with which a header is refused."""
    with pytest.raises(Unauthenticated) as error:
        await authenticator.authenticate([header])
    return error.value.message


async def test_a_good_key_names_its_holder(database: Database) -> None:
    """Id, name, scopes, rate."""
    keys = KeyBook(database)
    made, text = await keys.create(order(Scope.INSPECT, name="MES 2", requests_per_s=7.0))
    caller = await Authenticator(keys, ttl_s=TTL_S).authenticate([bearer(text)])
    assert caller == Caller(made.id, "MES 2", frozenset({Scope.INSPECT}), 7.0)


async def test_wrong_and_unknown_keys_are_refused_alike(
    database: Database, logs: list[MutableMapping[str, Any]]
) -> None:
    """The answer does not tell which ids there are; the log, for who runs it, does. No line holds a secret."""
    keys = KeyBook(database)
    _, text = await keys.create(order())
    stranger = KeyText.new()
    authenticator = Authenticator(keys, ttl_s=TTL_S)
    wrong, unknown = await refused(authenticator, altered(text)), await refused(authenticator, bearer(stranger))
    assert wrong == unknown
    said = [(line["key"], line["why"]) for line in logs if line["event"] == "key refused"]
    assert said == [(text.id, "wrong secret"), (stranger.id, "unknown")]
    assert text.secret.value[:-1] not in str(logs)
    assert stranger.secret.value not in str(logs)


async def test_an_expired_key_is_refused(database: Database) -> None:
    """From that moment on, although it is remembered; its holder is told why."""
    keys = KeyBook(database)
    _, text = await keys.create(order(expires_at=datetime.now(UTC) + timedelta(seconds=0.4)))
    authenticator = Authenticator(keys, ttl_s=60)
    await authenticator.authenticate([bearer(text)])
    await asyncio.sleep(0.45)
    assert "has expired" in await refused(authenticator, bearer(text))
    assert "has expired" not in await refused(authenticator, altered(text))


async def test_a_revoked_key_is_refused_within_the_stated_time(database: Database) -> None:
    """Another gateway on the same database revoked it."""
    keys = KeyBook(database)
    made, text = await keys.create(order())
    authenticator = Authenticator(keys, ttl_s=TTL_S)
    await authenticator.authenticate([bearer(text)])
    await KeyBook(database).revoke(made.id)
    await asyncio.sleep(TTL_S)
    assert "was revoked" in await refused(authenticator, bearer(text))


async def test_a_key_is_looked_up_once_in_a_while(database: Database) -> None:
    """Whether it is there or not; a wrong secret needs no look-up of its own."""
    keys = CountedKeys(database)
    _, text = await keys.create(order())
    stranger = bearer(KeyText.new())
    authenticator = Authenticator(keys, ttl_s=60)
    for _ in range(5):
        await authenticator.authenticate([bearer(text)])
        await refused(authenticator, altered(text))
        await refused(authenticator, stranger)
    assert keys.lookups == 2


async def test_a_new_key_is_good_soon_after_it_was_refused(database: Database) -> None:
    """That there is no key of an id is remembered as shortly as that there is one."""
    keys = KeyBook(database)
    text = KeyText.new()
    authenticator = Authenticator(keys, ttl_s=TTL_S)
    await refused(authenticator, bearer(text))
    made, text = await keys.create(order())
    assert (await authenticator.authenticate([bearer(text)])).id == made.id


async def test_a_flood_of_unknown_keys_is_bounded(database: Database) -> None:
    """In memory, in look-ups at once; and a good key is let in from memory all the while."""
    keys = CountedKeys(database, seconds=0.01)
    _, text = await keys.create(order())
    authenticator = Authenticator(keys, ttl_s=60, max_unknown=20)
    await authenticator.authenticate([bearer(text)])
    strangers = [bearer(KeyText.new()) for _ in range(100)]
    flood = asyncio.gather(*(refused(authenticator, stranger) for stranger in strangers))
    await asyncio.sleep(0.02)
    before = keys.lookups
    await authenticator.authenticate([bearer(text)])
    assert keys.lookups == before
    await flood
    assert keys.most_at_once == MAX_LOOKUPS
    assert len(authenticator._unknown) == 20


async def test_many_requests_with_one_key_ask_once(database: Database) -> None:
    """As many look-ups as may be at once, at most, when what was remembered is forgotten."""
    keys = CountedKeys(database, seconds=0.05)
    _, text = await keys.create(order())
    authenticator = Authenticator(keys, ttl_s=60)
    await asyncio.gather(*(authenticator.authenticate([bearer(text)]) for _ in range(50)))
    assert keys.lookups <= MAX_LOOKUPS


async def test_where_the_database_is_down_nobody_is_let_in() -> None:
    """An error that says so, not a refusal: the key may be good."""
    database = connect(f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none")
    database.has_tables = True
    authenticator = Authenticator(KeyBook(database), ttl_s=60)
    with pytest.raises(RecordsUnavailable) as error:
        await authenticator.authenticate([bearer(KeyText.new())])
    assert "secret" not in error.value.message
    await database.close()


async def test_waiting_for_a_look_up_ends(database: Database) -> None:
    """A database that does not answer holds no request for ever."""
    authenticator = Authenticator(CountedKeys(database, seconds=60), ttl_s=60, lookup_s=0.05)
    with pytest.raises(RecordsUnavailable, match="cannot be looked up"):
        await authenticator.authenticate([bearer(KeyText.new())])

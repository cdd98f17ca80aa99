from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from support.api_keys import order

from flawgate_contracts.errors import InvalidParameter, UnknownKey
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.keys import KeyBook, KeyOrder
from flawgate_gateway.access.tokens import KeyText
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import api_keys


async def test_a_key_is_found_as_it_was_made(database: Database) -> None:
    """Name, scopes, rate and end come back; it is not revoked."""
    keys = KeyBook(database)
    end = datetime(2100, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    made, text = await keys.create(order(Scope.INSPECT, Scope.READ, name="MES 2", expires_at=end, requests_per_s=2.5))
    assert made == await keys.find(text.id)
    assert (made.name, made.scopes, made.requests_per_s) == ("MES 2", frozenset({Scope.INSPECT, Scope.READ}), 2.5)
    assert (made.expires_at, made.revoked_at) == (end, None)
    assert datetime.now(UTC) - made.created_at < timedelta(minutes=1)


async def test_a_secret_is_nowhere_in_the_database(database: Database) -> None:
    """Who steals the database has no key; two keys with one secret would not be seen to be alike."""
    _, text = await KeyBook(database).create(order())
    async with database.reading() as connection:
        row = (await connection.execute(select(api_keys))).one()
    assert text.secret.value not in str(row)
    assert text.secret.fits(row.secret_sha256)
    assert not KeyText.new().secret.fits(row.secret_sha256)


async def test_keys_are_listed_page_by_page(database: Database) -> None:
    """Each once, in the order of their ids, also when one is made in between."""
    keys = KeyBook(database)
    made = sorted([(await keys.create(order()))[0].id for _ in range(5)])
    first = await keys.listed(limit=2)
    await keys.create(order())
    rest = await keys.listed(after=first[-1].id, limit=100)
    assert [key.id for key in first] == [key for key in made if key <= first[-1].id]
    assert {key.id for key in rest} >= set(made) - {key.id for key in first}


async def test_a_key_is_revoked_once(database: Database) -> None:
    """The second time changes nothing: when it ended stays known. Others stay good."""
    keys = KeyBook(database)
    made, _ = await keys.create(order())
    other, _ = await keys.create(order())
    ended = await keys.revoke(made.id)
    assert ended.revoked_at is not None
    assert await keys.revoke(made.id) == ended == await keys.find(made.id)
    assert await keys.find(other.id) == other


@pytest.mark.parametrize("key_id", ["abcdefghijkl", "", "\x00", "x' OR '1'='1", "%", "é", "a" * 10_000])
async def test_a_key_that_is_not_there_is_an_error(database: Database, key_id: str) -> None:
    """Found by nobody, revoked by nobody; an injection is a name that does not exist."""
    keys = KeyBook(database)
    made, _ = await keys.create(order())
    for work in (keys.find, keys.revoke):
        with pytest.raises(UnknownKey):
            await work(key_id)
    assert await keys.find(made.id) == made


async def test_a_whole_key_in_the_place_of_an_id_is_not_said_again(database: Database) -> None:
    """The sentence goes to a terminal or a log."""
    text = KeyText.new()
    with pytest.raises(UnknownKey, match="what stands between") as refused:
        await KeyBook(database).revoke(text.reveal())
    assert text.secret.value not in refused.value.message + str(refused.value.metadata)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 129}),
        ("name", {"name": "MES\r\nX-Scope: admin"}),
        ("name", {"name": "\x1b[31mMES"}),
        ("scopes", {"scopes": frozenset()}),
        ("expires_at", {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}),
        ("expires_at", {"expires_at": datetime(2100, 1, 1)}),  # noqa: DTZ001  # without a time zone is what is tried
        ("requests_per_s", {"requests_per_s": 0.0}),
        ("requests_per_s", {"requests_per_s": -1.0}),
        ("requests_per_s", {"requests_per_s": float("nan")}),
        ("requests_per_s", {"requests_per_s": float("inf")}),
    ],
)
def test_a_key_that_cannot_be_is_refused(field: str, wrong: dict[str, Any]) -> None:
    """Before anything is stored, and the field is named."""
    with pytest.raises(InvalidParameter) as refused:
        KeyOrder(**{"name": "MES", "scopes": frozenset({Scope.READ}), **wrong})
    assert refused.value.metadata["field"] == field

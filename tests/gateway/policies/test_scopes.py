"""Who may do what with policies and reviews, by the scopes of the key."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.gateway_cluster import running_gateway

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.keys import KeyBook, KeyOrder
from flawgate_gateway.database.connections import connect
from flawgate_gateway.database.migrating import upgrade


async def _made(url: str) -> dict[Scope, str]:
    database = connect(url)
    await upgrade(database)
    keys = KeyBook(database)
    made = {
        scope: (await keys.create(KeyOrder(scope.value, frozenset({scope}), None, None)))[1].reveal() for scope in Scope
    }
    await database.close()
    return made


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, dict[Scope, str]]]:
    """A gateway that asks for keys, and one key of each scope."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    url = f"sqlite:///{folder / 'records.db'}"
    keys = asyncio.run(_made(url))
    with running_gateway(access="keys", database_url=url, data_dir=folder) as running, running.client() as client:
        yield client, keys


UNKNOWN = "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10"
BODY = {"reason": "Why not."}
ROUTES = [
    ("GET", "/v1/policies", Scope.READ, None),
    ("GET", "/v1/policies/spot/p1", Scope.READ, None),
    ("POST", "/v1/policies:simulate", Scope.READ, {"recipe": "spot", "policy": {}}),
    ("POST", "/v1/policies", Scope.POLICY, {"recipe": "nowhere", "policy": {}, **BODY}),
    ("POST", "/v1/policies/spot/p1:activate", Scope.POLICY, BODY),
    ("POST", "/v1/policies/spot/p1:retire", Scope.POLICY, BODY),
    ("POST", "/v1/policies/spot:rollback", Scope.POLICY, BODY),
    ("GET", f"/v1/inspections/{UNKNOWN}/reviews", Scope.READ, None),
    ("POST", f"/v1/inspections/{UNKNOWN}/reviews", Scope.REVIEW, {"evaluation": "OK"}),
    ("GET", "/v1/reviews:queue", Scope.READ, None),
    ("GET", "/v1/reviews:export?recipe=spot", Scope.READ, None),
]


@pytest.mark.parametrize(("method", "path", "scope", "body"), ROUTES, ids=[f"{each[0]} {each[1]}" for each in ROUTES])
def test_a_route_takes_its_scope_and_no_other(
    keyed: tuple[httpx.Client, dict[Scope, str]], method: str, path: str, scope: Scope, body: dict[str, object] | None
) -> None:
    """Only `admin` stands for all of them; without a key there is nothing."""
    client, keys = keyed
    for held, key in keys.items():
        answer = client.request(method, path, json=body, headers={"authorization": f"Bearer {key}"})
        assert (held in {scope, Scope.ADMIN}) == (answer.status_code != 403), (held, answer.text)
    assert client.request(method, path, json=body).status_code == 401

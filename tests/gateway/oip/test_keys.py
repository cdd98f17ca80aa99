from collections.abc import Iterator

import httpx
import pytest
from support.api_keys import KeyMaker
from support.fake_triton import FakeTriton
from support.gateway_cluster import running_gateway

from flawgate_gateway.access.caller import Scope

INFER = "/v2/models/spot_seg/infer"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyMaker:
    """Makes keys for the gateway of this file."""
    return KeyMaker(f"sqlite:///{tmp_path_factory.mktemp('gateway') / 'records.db'}")


@pytest.fixture(scope="module")
def locked(keys: KeyMaker, triton_server: FakeTriton) -> Iterator[httpx.Client]:
    """A client of a gateway that asks for keys."""
    settings = {"access": "keys", "database_url": keys.url, "triton_http_url": triton_server.url}
    with running_gateway(**settings) as cluster, cluster.client() as client:
        yield client


@pytest.mark.parametrize("path", ["/v2", "/v2/health/live", INFER, "/v2/repository/index", "/v2/nowhere"])
def test_without_a_key_nothing_is_told(locked: httpx.Client, triton_server: FakeTriton, path: str) -> None:
    """401 in the protocol's shape whatever the path, with how to authenticate; Triton is not asked."""
    triton_server.asked.clear()
    for headers in ({}, {"authorization": "Bearer fg_nobody_secret"}, {"authorization": "Basic YTpi"}):
        answer = locked.post(path, content=b"{}", headers=headers)
        assert (answer.status_code, set(answer.json())) == (401, {"error"})
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert triton_server.asked == []


def test_a_key_needs_the_scope_to_inspect(locked: httpx.Client, keys: KeyMaker, triton_server: FakeTriton) -> None:
    """403 in the protocol's shape for one that may only read."""
    assert locked.post(INFER, content=b"{}", headers=keys.headers(Scope.INSPECT)).content == b"{}"
    answer = locked.post(INFER, content=b"{}", headers=keys.headers(Scope.READ))
    assert (answer.status_code, set(answer.json())) == (403, {"error"})
    assert "`inspect`" in answer.json()["error"]


def test_a_key_has_its_rate(locked: httpx.Client, keys: KeyMaker) -> None:
    """429 in the protocol's shape, with when to come again."""
    headers = keys.headers(Scope.INSPECT, requests_per_s=0.1)
    assert locked.get("/v2", headers=headers).status_code == 200
    answer = locked.get("/v2", headers=headers)
    assert (answer.status_code, set(answer.json())) == (429, {"error"})
    assert 1 <= int(answer.headers["retry-after"]) <= 10

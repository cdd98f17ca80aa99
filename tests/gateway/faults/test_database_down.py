import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from support.gateway_cluster import running_gateway
from support.pictures import spot_png
from support.postgres import PostgresServer, postgres_server


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL that may be stopped."""
    with postgres_server() as server:
        yield server


def send(gateway: httpx.Client, key: str) -> httpx.Response:
    """Inspect a frame under a key."""
    return gateway.post(
        "/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)}, headers={"Idempotency-Key": key}
    )


def wait_until(met: Callable[[], bool], timeout_s: float = 20) -> None:
    """Wait until a condition is met, which the caller asserts."""
    deadline = time.monotonic() + timeout_s
    while not met() and time.monotonic() < deadline:
        time.sleep(0.1)


def test_a_database_that_is_down_at_the_start_is_waited_for(server: PostgresServer) -> None:
    """The gateway says that the records are missing, refuses frames, and goes on by itself when the database comes."""
    url = server.new_database()
    server.stop()
    with running_gateway(database_url=url) as cluster, cluster.client() as gateway:
        try:
            assert gateway.get("/livez").status_code == 200
            readiness = gateway.get("/readyz")
            assert (readiness.status_code, readiness.json()["services"]["records"]) == (503, False)
            answer = send(gateway, "k-1")
            assert (answer.status_code, answer.json()["code"]) == (503, "RECORDS_UNAVAILABLE")
            assert (answer.json()["retryable"], answer.headers["retry-after"]) == (True, "1")
            assert url not in answer.text
        finally:
            server.start()
        wait_until(lambda: gateway.get("/readyz").status_code == 200)
        assert send(gateway, "k-1").status_code == 201


def test_a_database_that_goes_down_stops_answers_and_loses_nothing(server: PostgresServer) -> None:
    """Without its record no frame is OK: 503; afterwards the same keys come to one record each."""
    with running_gateway(database_url=server.new_database()) as cluster, cluster.client() as gateway:
        before = send(gateway, "k-0").json()["inspection_id"]
        server.stop()
        try:
            for key in ("k-0", "k-1"):
                answer = send(gateway, key)
                assert (answer.status_code, answer.json()["code"]) == (503, "RECORDS_UNAVAILABLE")
            assert gateway.get("/readyz").status_code == 503
        finally:
            server.start()
        wait_until(lambda: gateway.get("/readyz").status_code == 200)
        again, new = send(gateway, "k-0"), send(gateway, "k-1")
        assert (again.json()["inspection_id"], again.headers["idempotency-replayed"]) == (before, "true")
        assert new.status_code == 201
        assert len(gateway.get("/v1/inspections").json()["inspections"]) == 2

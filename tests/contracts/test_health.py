import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flawgate_contracts.health import Health

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
ALL = health_pb2.HealthCheckRequest()
MAX_WATCHERS = 3
SOON_S = 5.0


@pytest.fixture
def health() -> Health:
    """One that takes few watchers."""
    return Health(MAX_WATCHERS)


@pytest.fixture(autouse=True)
async def serving(health: Health) -> None:
    """At first."""
    await health.set("", SERVING)


@pytest.fixture
async def stub(health: Health) -> AsyncIterator[Any]:
    """Of a server with it."""
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)
    await server.stop(None)


async def told(watch: Any) -> int:
    """What a watcher is told next."""
    status: int = (await asyncio.wait_for(watch.read(), SOON_S)).status
    return status


async def test_who_stays_is_told_when_another_has_gone(health: Health, stub: Any) -> None:
    """Each connection of each gateway watches, and goes once a minute: the others must hear of a change at once."""
    going, staying = stub.Watch(ALL), stub.Watch(ALL)
    assert [await told(going), await told(staying)] == [SERVING, SERVING]
    going.cancel()
    await asyncio.sleep(0.1)
    coming = stub.Watch(ALL)
    assert await told(coming) == SERVING
    await health.set("", NOT_SERVING)
    assert [await told(coming), await told(staying)] == [NOT_SERVING, NOT_SERVING]


async def test_so_many_watch_and_no_more(stub: Any) -> None:
    """Whoever reaches the port may watch, without a key; a place that is left is free again."""
    watching = [stub.Watch(ALL) for _ in range(MAX_WATCHERS)]
    assert [await told(watch) for watch in watching] == [SERVING] * MAX_WATCHERS
    refused = stub.Watch(ALL)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await told(refused)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    watching[0].cancel()
    await asyncio.sleep(0.1)
    assert await told(stub.Watch(ALL)) == SERVING


async def test_who_does_not_read_holds_up_nobody(health: Health) -> None:
    """Not even a service that is told to stop, and says so first."""

    class Stuck:
        async def write(self, _message: Any) -> None:
            await asyncio.Event().wait()

    watching = asyncio.ensure_future(health.Watch(ALL, Stuck()))
    await asyncio.sleep(0)
    await asyncio.wait_for(health.set("", NOT_SERVING), SOON_S)
    nobody: Any = None
    assert (await health.Check(ALL, nobody)).status == NOT_SERVING
    watching.cancel()


async def test_at_the_end_each_watcher_is_told_the_last_and_let_go(health: Health, stub: Any) -> None:
    """Also whoever comes then."""
    watch = stub.Watch(ALL)
    assert await told(watch) == SERVING
    await health.set("", NOT_SERVING)
    health.end()
    assert await told(watch) == NOT_SERVING
    late = stub.Watch(ALL)
    assert await told(late) == NOT_SERVING
    assert [await asyncio.wait_for(each.read(), SOON_S) for each in (watch, late)] == [grpc.aio.EOF, grpc.aio.EOF]

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import CollectorRegistry
from pydantic_settings import SettingsConfigDict

from flawgate_contracts.calls import call, create_channel
from flawgate_contracts.context import bound, current_context, new_context
from flawgate_contracts.errors import (
    DeadlineExceeded,
    DependencyUnavailable,
    FlawgateError,
    InternalError,
    InvalidFrame,
)
from flawgate_contracts.grpc_errors import from_rpc_error
from flawgate_contracts.serving import GrpcServer, GrpcService, create_grpc_server, metrics_server
from flawgate_contracts.settings import GrpcServiceSettings
from flawgate_contracts.startup import StartupError

NAME = "test.Echo"


class EchoSettings(GrpcServiceSettings):
    """Settings of the test's service."""

    model_config = SettingsConfigDict(env_prefix="ECHO_", frozen=True)


tidied: list[bytes] = []
"""Calls that were cancelled and left things as they were."""


async def echo(request: bytes, _context: Any) -> bytes:
    """Does what the request says."""
    if request == b"invalid":
        raise InvalidFrame("Not a picture; send another.", {"format": "none"})
    if request == b"bug":
        raise ZeroDivisionError("secret internals")
    if request == b"slow":
        await asyncio.sleep(30)
    if request == b"tidy":
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.05)
            tidied.append(request)
    if request == b"who":
        return current_context().request_id.encode()
    return request


async def echo_stream(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    """`echo` for each message."""
    async for request in requests:
        yield await echo(request, context)


def _register(server: grpc.aio.Server) -> None:
    handlers: dict[str, Any] = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
        "EchoStream": grpc.stream_stream_rpc_method_handler(echo_stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


@asynccontextmanager
async def echo_server(
    *, grace_s: float = 0.2, **settings: Any
) -> AsyncIterator[tuple[GrpcServer, grpc.aio.Channel, CollectorRegistry]]:
    """A running server with one unary and one streaming method, and a channel to it."""
    registry = CollectorRegistry()
    server = create_grpc_server(EchoSettings(grace_s=grace_s, **settings), 0, registry, [GrpcService(NAME, _register)])
    await server.start()
    async with create_channel(f"127.0.0.1:{server.port}", max_message_bytes=1024 * 1024) as channel:
        try:
            yield server, channel, registry
        finally:
            await server.drain_and_stop()


async def _unary(channel: grpc.aio.Channel, request: bytes, timeout_s: float = 5) -> bytes:
    method: Any = channel.unary_unary(f"/{NAME}/Echo")
    answer: bytes = await call(method, request, service="echo", timeout_s=timeout_s)
    return answer


async def _stream(channel: grpc.aio.Channel, request: bytes, timeout_s: float = 5) -> bytes:
    method: Any = channel.stream_stream(f"/{NAME}/EchoStream")
    answers = method(iter([request]), timeout=timeout_s)
    try:
        return b"".join([answer async for answer in answers])
    except grpc.aio.AioRpcError as err:
        raise from_rpc_error(err, service="echo") from err


BOTH = pytest.mark.parametrize("send", [_unary, _stream], ids=["unary", "streaming"])


@BOTH
async def test_an_answer_comes_through(send: Any) -> None:
    """The interceptor does not stand in the way of calls that succeed."""
    async with echo_server() as (_, channel, _registry):
        assert await send(channel, b"hello") == b"hello"


@BOTH
async def test_an_error_of_the_tree_arrives_as_the_same_class(send: Any) -> None:
    """Reason, message and metadata come through a real channel."""
    async with echo_server() as (_, channel, _registry):
        with pytest.raises(InvalidFrame) as caught:
            await send(channel, b"invalid")
    assert caught.value.message == "Not a picture; send another."
    assert caught.value.metadata == {"format": "none"}


@BOTH
async def test_a_bug_is_answered_with_a_fixed_sentence(send: Any, caplog: pytest.LogCaptureFixture) -> None:
    """No word of an unexpected exception reaches the caller; the traceback is in the log."""
    async with echo_server() as (_, channel, _registry):
        with pytest.raises(InternalError) as caught:
            await send(channel, b"bug")
    assert "secret" not in caught.value.message
    assert "request_id" in caught.value.metadata


@BOTH
async def test_the_deadline_ends_the_work(send: Any) -> None:
    """A call ends at the caller's deadline, not when the work is done."""
    async with echo_server() as (_, channel, _registry):
        started = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineExceeded):
            await send(channel, b"slow", 0.2)
    assert asyncio.get_running_loop().time() - started < 5


async def test_a_unary_call_without_deadline_has_one_all_the_same() -> None:
    """The server's own bound ends a call whose caller would wait for ever."""
    async with echo_server(max_deadline_s=0.2) as (_, channel, _registry):
        with pytest.raises(DeadlineExceeded, match="deadline passed"):
            await _unary(channel, b"slow", timeout_s=20)


async def test_whoever_sends_no_request_holds_no_place() -> None:
    """Calls that begin, and never say what they want, end by the service's own deadline, and others come through."""
    async with echo_server(max_deadline_s=0.3) as (_, channel, _registry):
        silent: Any = channel.stream_unary(f"/{NAME}/Echo")
        calls = [silent() for _ in range(3)]
        assert await _unary(channel, b"hello") == b"hello"
        ends = await asyncio.wait_for(asyncio.gather(*(each.code() for each in calls)), 10)
        assert ends == [grpc.StatusCode.DEADLINE_EXCEEDED] * 3


async def test_a_call_without_a_request_is_told_so() -> None:
    """One that ends before it has said anything."""
    async with echo_server() as (_, channel, _registry):
        empty: Any = channel.stream_unary(f"/{NAME}/Echo")
        with pytest.raises(grpc.aio.AioRpcError, match="holds no request") as caught:
            await empty(iter([]), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_request_id_goes_along() -> None:
    """The next hop serves under the same id."""
    async with echo_server() as (_, channel, _registry):
        with bound(new_context({"x-request-id": "mes-7"})):
            assert await _unary(channel, b"who") == b"mes-7"


async def test_a_server_that_is_gone_is_a_dependency_that_is_unavailable() -> None:
    """The caller learns which service is missing."""
    async with create_channel("127.0.0.1:1", max_message_bytes=1024) as channel:
        with pytest.raises(DependencyUnavailable) as caught:
            await _unary(channel, b"x")
    assert caught.value.metadata == {"service": "echo"}


async def test_a_message_beyond_the_limit_is_refused() -> None:
    """The limit is ours, and the server is still up after it."""
    async with echo_server(max_message_bytes=1024) as (_, channel, _registry):
        with pytest.raises(FlawgateError):
            await _unary(channel, b"x" * 4096)
        assert await _unary(channel, b"still here") == b"still here"


async def test_health_answers_check_and_watch() -> None:
    """NOT_SERVING until told; Watch sends each change; the whole server and each service are known."""
    async with echo_server() as (server, channel, _registry):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=NAME))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        await server.set_serving(True)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health.Check(health_pb2.HealthCheckRequest(service="nobody"))
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        watch.cancel()


async def test_a_stopping_server_stays_not_serving() -> None:
    """While draining, nobody can say SERVING again, and running calls get to finish."""
    async with echo_server(drain_s=0.3) as (server, channel, _registry):
        await server.set_serving(True)
        stopping = asyncio.ensure_future(server.drain_and_stop())
        await asyncio.sleep(0.1)
        await server.set_serving(True)
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await _unary(channel, b"last one") == b"last one"
        await stopping


async def test_a_watcher_of_health_does_not_hold_up_the_stop() -> None:
    """It is told and its stream ends; else each stop would take the whole grace, as watchers stay for ever."""
    async with echo_server(grace_s=30) as (server, channel, _registry):
        health: Any = health_pb2_grpc.HealthStub(channel)
        await server.set_serving(True)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        await asyncio.wait_for(server.drain_and_stop(), 10)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await watch.read() == grpc.aio.EOF


async def test_a_call_beyond_the_grace_is_cancelled_and_gets_to_its_end() -> None:
    """Before the loop ends: gRPC prints a traceback for each that it hits there."""
    tidied.clear()
    async with echo_server() as (server, channel, _registry):
        calling = asyncio.ensure_future(_unary(channel, b"tidy"))
        await asyncio.sleep(0.2)
        await server.drain_and_stop()
        assert tidied == [b"tidy"]
        with pytest.raises(DependencyUnavailable):
            await calling


@pytest.mark.parametrize(("on", "known"), [(True, True), (False, False)])
async def test_reflection_is_behind_a_setting(*, on: bool, known: bool) -> None:
    """Who may not know the protos is not told."""
    async with echo_server(reflection=on) as (_, channel, _registry):
        any_channel: Any = channel
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(any_channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        try:
            answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
            names = {service.name for answer in answers for service in answer.list_services_response.service}
        except grpc.aio.AioRpcError as err:
            names = {err.code().name}
        assert names >= ({NAME} if known else {"UNIMPLEMENTED"})


async def test_calls_are_counted_by_method_and_code() -> None:
    """The metrics port shows what was served."""
    async with echo_server() as (_, channel, registry):
        await _unary(channel, b"hello")
        with pytest.raises(InvalidFrame):
            await _unary(channel, b"invalid")
        with metrics_server("127.0.0.1", 0, registry, "contracts") as port:
            text = (await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{port}/metrics")).text
    assert f'flawgate_rpc_requests_total{{code="OK",method="/{NAME}/Echo"}} 1.0' in text
    assert f'flawgate_rpc_requests_total{{code="INVALID_ARGUMENT",method="/{NAME}/Echo"}} 1.0' in text


async def test_a_taken_port_is_one_sentence() -> None:
    """Both ports of a service say so when somebody else listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=str(port)):
            create_grpc_server(EchoSettings(), port, CollectorRegistry(), [])
        with (
            pytest.raises(StartupError, match=str(port)),
            metrics_server("127.0.0.1", port, CollectorRegistry(), "contracts"),
        ):
            pass

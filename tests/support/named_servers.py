"""Servers of one service that say which of them answered, and callers of all of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from prometheus_client import CollectorRegistry
from pydantic_settings import SettingsConfigDict

from flawgate_contracts.calls import call, create_channel
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.serving import GrpcServer, GrpcService, create_grpc_server
from flawgate_contracts.settings import GrpcServiceSettings

NAME = "test.Named"
SLOW = b"slow"
SLOW_S = 0.5


class NamedSettings(GrpcServiceSettings):
    """Settings of the service."""

    model_config = SettingsConfigDict(env_prefix="NAMED_", frozen=True)


class NamedServer:
    """One of the servers; its answer is its name."""

    def __init__(self, name: str, *, drain_s: float = 0.1, grace_s: float = 5.0) -> None:
        self.name = name
        self.port = 0
        self.calls = 0
        self.error: FlawgateError | None = None
        self._settings = NamedSettings(drain_s=drain_s, grace_s=grace_s)
        self._server: GrpcServer | None = None

    async def start(self, *, serving: bool = True) -> None:
        """Start it; again at the port that it had."""
        self._server = create_grpc_server(
            self._settings, self.port, CollectorRegistry(), [GrpcService(NAME, self._register)]
        )
        self.port = self._server.port
        await self._server.start(serving=serving)

    async def serve(self, *, serving: bool) -> None:
        """Say of itself whether it serves; it answers all the same."""
        assert self._server is not None
        await self._server.set_serving(serving)

    async def stop(self) -> None:
        """As on SIGTERM."""
        if self._server is not None:
            await self._server.drain_and_stop()
        self._server = None

    async def _answer(self, request: bytes, _context: Any) -> bytes:
        self.calls += 1
        if self.error is not None:
            raise self.error
        if request == SLOW:
            await asyncio.sleep(SLOW_S)
        return self.name.encode()

    def _register(self, server: grpc.aio.Server) -> None:
        handlers: dict[str, Any] = {"Who": grpc.unary_unary_rpc_method_handler(self._answer)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


class NamedCaller:
    """A caller of all of them."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.retries = 0
        self._method: Any = channel.unary_unary(f"/{NAME}/Who")

    def _again(self) -> None:
        self.retries += 1

    async def who(self, request: bytes = b"", *, pure: bool = True, timeout_s: float = 10) -> str:
        """The name of the server that answered. Raises the `FlawgateError` that a service's caller gets."""
        again = self._again if pure else None
        answer: bytes = await call(self._method, request, service="named", timeout_s=timeout_s, again=again)
        return answer.decode()

    async def all_answer(self, names: Iterable[str], timeout_s: float = 10) -> None:
        """Wait until of ten calls in a row each is answered by one of these, and by each of them at least one."""
        async with asyncio.timeout(timeout_s):
            while {await self.who() for _ in range(10)} != set(names):
                pass


@asynccontextmanager
async def named_servers(*names: str, **settings: float) -> AsyncIterator[dict[str, NamedServer]]:
    """The servers, each at a port of its own, all of them serving."""
    servers = {name: NamedServer(name, **settings) for name in names}
    for server in servers.values():
        await server.start()
    try:
        yield servers
    finally:
        await asyncio.gather(*(server.stop() for server in servers.values()))


@asynccontextmanager
async def caller_of_all(servers: Iterable[NamedServer]) -> AsyncIterator[NamedCaller]:
    """A caller by the list of their addresses."""
    async with caller_at(server.port for server in servers) as caller:
        yield caller


@asynccontextmanager
async def caller_at(ports: Iterable[int]) -> AsyncIterator[NamedCaller]:
    """A caller by a list of ports of loopback."""
    target = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)
    async with create_channel(target, max_message_bytes=1024) as channel:
        yield NamedCaller(channel)

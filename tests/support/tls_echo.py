"""A service that answers what it was asked, over TLS or not, and calls of it under load."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from prometheus_client import CollectorRegistry
from pydantic_settings import SettingsConfigDict

from flawgate_contracts.calls import call, create_channel
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.serving import GrpcServer, GrpcService, create_grpc_server
from flawgate_contracts.settings import CallingServiceSettings
from flawgate_contracts.tls.certificates import Certificates

NAME = "test.Echo"
WHO = b"who am I"
"""Is answered with the caller's certificate, PEM."""
SLOW_S = 2.5
"""How long the answer to `slow` takes: longer than it takes a channel to be replaced."""


class EchoSettings(CallingServiceSettings):
    """Settings of the service, and of a caller."""

    model_config = SettingsConfigDict(env_prefix="ECHO_", frozen=True)


async def _echo(request: bytes, context: Any) -> bytes:
    if request == WHO:
        certificate: bytes = context.auth_context()["x509_pem_cert"][0]
        return certificate
    if request == b"slow":
        await asyncio.sleep(SLOW_S)
    return request


def _register(server: grpc.aio.Server) -> None:
    handlers: dict[str, Any] = {"Echo": grpc.unary_unary_rpc_method_handler(_echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


def server_files(pair: tuple[Path, Path], client_ca: Path | None = None) -> dict[str, Any]:
    """Settings of a server with a certificate and its key; with roots, clients need one too."""
    return {"tls_certificate_file": pair[0], "tls_key_file": pair[1], "tls_client_ca_file": client_ca}


def caller_files(ca: Path, pair: tuple[Path | None, Path | None] = (None, None)) -> dict[str, Any]:
    """Settings of a caller that trusts roots, and shows a certificate where it has one."""
    return {
        "upstream_tls_ca_file": ca,
        "upstream_tls_certificate_file": pair[0],
        "upstream_tls_key_file": pair[1],
    }


@asynccontextmanager
async def echo_server(registry: CollectorRegistry | None = None, **settings: Any) -> AsyncIterator[GrpcServer]:
    """The service on a free port."""
    given = EchoSettings(grace_s=0.2, **settings)
    server = create_grpc_server(given, 0, registry or CollectorRegistry(), [GrpcService(NAME, _register)])
    await server.start(serving=True)
    try:
        yield server
    finally:
        await server.drain_and_stop()


@asynccontextmanager
async def caller_of(port: int, host: str = "127.0.0.1", **settings: Any) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the service, as a service makes it from its settings."""
    tls = Certificates(CollectorRegistry()).kept("upstream_tls", EchoSettings(**settings).upstream_tls_files())
    async with create_channel(f"{host}:{port}", max_message_bytes=1024, tls=tls) as channel:
        yield channel


async def asked(channel: grpc.aio.Channel, request: bytes = b"hello", timeout_s: float = 10.0) -> bytes:
    """The answer. Raises the `FlawgateError` that a service's caller gets."""
    method: Any = channel.unary_unary(f"/{NAME}/Echo")
    answer: bytes = await call(method, request, service="echo", timeout_s=timeout_s)
    return answer


class Load:
    """Calls one after the other, some slow ones beside them, until told to stop."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.answered = 0
        self.failures: list[FlawgateError] = []
        self._channel = channel
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        """Under load during the block; every call has ended after it."""
        callers = [asyncio.ensure_future(self._go_on(request)) for request in (b"quick", b"quick", b"slow", b"slow")]
        try:
            yield self
        finally:
            self._stopped.set()
            await asyncio.gather(*callers)

    async def _go_on(self, request: bytes) -> None:
        while not self._stopped.is_set():
            try:
                assert await asked(self._channel, request) == request
                self.answered += 1
            except FlawgateError as err:
                self.failures.append(err)
            await asyncio.sleep(0.01)

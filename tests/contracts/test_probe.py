from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import HTTPServer
from threading import Thread

import anyio
import pytest
from prometheus_client import CollectorRegistry
from pydantic_settings import SettingsConfigDict
from support.livez import Livez

from flawgate_contracts.errors import Unavailable
from flawgate_contracts.probe import main, probe
from flawgate_contracts.serving import create_grpc_server
from flawgate_contracts.settings import GrpcServiceSettings


class NoSettings(GrpcServiceSettings):
    """Settings of a server without services."""

    model_config = SettingsConfigDict(env_prefix="NONE_", frozen=True)


@pytest.fixture
def url() -> Iterator[str]:
    """Where an HTTP server is."""
    server = HTTPServer(("127.0.0.1", 0), Livez)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@asynccontextmanager
async def grpc_server(*, serving: bool) -> AsyncIterator[str]:
    """Run a gRPC server; gives its address."""
    server = create_grpc_server(NoSettings(), 0, CollectorRegistry(), ())
    await server.start(serving=serving)
    yield f"127.0.0.1:{server.port}"
    await server.server.stop(0)


async def _probe(target: str, service: str = "") -> None:
    await anyio.to_thread.run_sync(probe, target, service)


async def test_a_serving_grpc_server_is_healthy() -> None:
    """A gRPC server whose health says SERVING passes."""
    async with grpc_server(serving=True) as target:
        await _probe(target)


async def test_a_grpc_server_that_does_not_serve_is_not_healthy() -> None:
    """A gRPC server whose health says NOT_SERVING does not pass, and the sentence says so."""
    async with grpc_server(serving=False) as target:
        with pytest.raises(Unavailable, match="NOT_SERVING"):
            await _probe(target)


async def test_an_unknown_grpc_service_is_not_healthy() -> None:
    """A service that the server does not know does not pass."""
    async with grpc_server(serving=True) as target:
        with pytest.raises(Unavailable, match="NOT_FOUND"):
            await _probe(target, "flawgate.none.v1.NoService")


def test_proxies_are_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the plant's environment names is not asked for the health of the process beside the probe."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    probe(f"{url}/livez")


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/livez", 0, ""), ("/readyz", 1, "HTTP Error 503")],
)
def test_the_exit_status_tells(url: str, path: str, status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 0 where a URL answers 200, else with 1 and a sentence."""
    assert status == main([f"{url}{path}"])
    assert said in capsys.readouterr().err


def test_the_target_is_filled_in(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables in the target are the environment's, so that a health check follows the port that was set."""
    monkeypatch.setenv("GATEWAY_PORT", url.rpartition(":")[2])
    assert main(["http://127.0.0.1:$GATEWAY_PORT/livez"]) == 0


@pytest.mark.parametrize("target", ["127.0.0.1:9", "http://127.0.0.1:9/livez"])
def test_nobody_there_is_not_healthy(target: str) -> None:
    """Where nobody listens, the probe ends with a sentence in its time."""
    with pytest.raises(Unavailable, match="see its log"):
        probe(target, timeout_s=1.0)

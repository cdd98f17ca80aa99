"""Gateway, preprocessing and decision as real servers on free ports, in one thread, over a fake model server."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from flawgate_contracts.metrics.decision import RecipeMetrics
from flawgate_contracts.metrics.models import ModelServerMetrics
from flawgate_contracts.serving import GrpcServer
from flawgate_decision import app as decision_app
from flawgate_decision.catalogue import Catalogue
from flawgate_decision.settings import DecisionSettings
from flawgate_gateway.app import connected_parts, create_app, create_grpc_door, readiness
from flawgate_gateway.parts import Parts
from flawgate_gateway.rest.server import RestServer, listen
from flawgate_gateway.rest.tls import server_context
from flawgate_gateway.rpc.server import IsReady, started
from flawgate_gateway.settings import GatewaySettings
from flawgate_inference.model_server import ServedModel
from flawgate_preprocessing import app as preprocessing_app
from flawgate_preprocessing.settings import PreprocessingSettings
from support.fakes import FakeModelServer
from support.served import spot_model

T = TypeVar("T")

START_TIMEOUT_S = 30.0
LOOPBACK = "127.0.0.1"
ACCESS_OFF = {"access": "off-for-development"}
DOORS = {"grpc_port": 0, "triton_http_url": ""}


@asynccontextmanager
async def served(app: FastAPI, *, grace_s: float = 1.0, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The app on a free port, as the gateway serves it; gives its URL."""
    listener = listen(LOOPBACK, 0)
    server = RestServer(app, grace_s=grace_s, tls=tls)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield f"{'https' if tls else 'http'}://{LOOPBACK}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


class GatewayCluster:
    """The three services, running until the end of `running_cluster`'s block."""

    def __init__(self, models: Sequence[ServedModel], services: Mapping[str, Any]) -> None:
        self.model_server = FakeModelServer(models)
        self._services = services
        """Settings of preprocessing and decision alike."""
        self.registry = CollectorRegistry()
        """The gateway's metrics."""
        self.url = ""
        self.grpc_target = ""
        """The gRPC door's `host:port`."""
        self.targets: dict[str, str] = {}
        """Settings of a gateway that uses the same services."""
        self._preprocessing: GrpcServer | None = None
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()

    def value(self, metric: str, **labels: str) -> float:
        """What the gateway counts; 0 where it has not counted yet."""
        return self.registry.get_sample_value(metric, labels) or 0.0

    def client(self, timeout_s: float = 20.0) -> httpx.Client:
        """A client of the gateway."""
        return httpx.Client(base_url=self.url, timeout=timeout_s, trust_env=False)

    def stop_preprocessing(self) -> None:
        """Take preprocessing away."""
        assert self._preprocessing is not None
        self._call(self._preprocessing.drain_and_stop())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_TIMEOUT_S)

    def run(self, settings: dict[str, Any], ready: "Future[None]") -> None:
        """Serve in this thread until `stop`."""
        try:
            self._loop.run_until_complete(self._serve(settings, ready))
        except BaseException as err:
            ready.set_exception(err)
            raise
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def stop(self) -> None:
        """Let `run` end."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self, settings: dict[str, Any], ready: "Future[None]") -> None:
        async with AsyncExitStack() as stack:
            self._preprocessing = await _preprocessing(self._services)
            decision = await stack.enter_async_context(decision_service(self.model_server, self._services))
            self.targets = {
                "preprocessing_target": f"{LOOPBACK}:{self._preprocessing.port}",
                "decision_target": f"{LOOPBACK}:{decision.port}",
            }
            gateway = GatewaySettings.model_validate({**ACCESS_OFF, **DOORS, **self.targets, **settings})
            parts = await stack.enter_async_context(connected_parts(gateway, self.registry))
            app = create_app(gateway, parts)
            grpc_door = await stack.enter_async_context(
                _grpc_door(gateway, self.registry, parts, readiness(app, parts))
            )
            self.grpc_target = f"{LOOPBACK}:{grpc_door.port}"
            self.url = await stack.enter_async_context(served(app, tls=server_context(gateway)))
            ready.set_result(None)
            await self._stopped.wait()
            parts.streams.opened.drain()
            parts.viewers.end()
        await self._preprocessing.drain_and_stop()


@asynccontextmanager
async def _grpc_door(
    settings: GatewaySettings, registry: CollectorRegistry, parts: Parts, is_ready: IsReady
) -> AsyncIterator[GrpcServer]:
    door = create_grpc_door(settings, registry, parts)
    async with started(door, is_ready):
        try:
            yield door
        finally:
            await door.drain_and_stop()


async def _preprocessing(given: Mapping[str, Any]) -> GrpcServer:
    settings = PreprocessingSettings.model_validate({"port": 0, "grace_s": 0.2, **given})
    server = preprocessing_app.create_server(settings, CollectorRegistry())
    await server.start(serving=True)
    return server


@asynccontextmanager
async def decision_service(model_server: FakeModelServer, given: Mapping[str, Any]) -> AsyncIterator[GrpcServer]:
    """Decision over a fake model server, which it watches; on a free port."""
    settings = DecisionSettings.model_validate({"port": 0, "grace_s": 0.2, **given})
    catalogue = Catalogue(model_server, probe_interval_s=0.1, golden_interval_s=60, infer_timeout_s=20)
    registry = CollectorRegistry()
    server = decision_app.create_server(settings, registry, model_server, catalogue)
    await catalogue.refresh()
    await server.start(serving=True)
    metrics, calls = RecipeMetrics(registry), ModelServerMetrics(registry)
    background = [
        asyncio.ensure_future(catalogue.watch()),
        asyncio.ensure_future(decision_app.report_health(catalogue, server, metrics, calls, 0.05)),
    ]
    try:
        yield server
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await server.drain_and_stop()


@contextmanager
def running_gateway(
    models: Sequence[ServedModel] = (), services: Mapping[str, Any] = MappingProxyType({}), /, **settings: Any
) -> Iterator[GatewayCluster]:
    """The services, ready to inspect by tiny recipes, `spot` unless told otherwise; `settings` are the gateway's."""
    cluster = GatewayCluster(models or [spot_model()], services)
    ready: Future[None] = Future()
    with TemporaryDirectory(prefix="flawgate-gateway-") as folder:
        thread = threading.Thread(target=cluster.run, args=({"data_dir": folder, **settings}, ready))
        thread.start()
        try:
            ready.result(START_TIMEOUT_S)
            yield cluster
        finally:
            cluster.stop()
            thread.join()

"""Serving gRPC: health (Check and Watch), reflection behind a setting, metrics port, draining on SIGTERM."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Never, TypeVar

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, disable_created_metrics
from pydantic import ValidationError

from flawgate_contracts.balancing import SHORTEST_PING_MS
from flawgate_contracts.health import Health
from flawgate_contracts.interceptors import CallInterceptor
from flawgate_contracts.logs import configure_logging
from flawgate_contracts.metrics.serving import RpcMetrics, describe_process
from flawgate_contracts.metrics_port import MetricsPort
from flawgate_contracts.settings import GrpcServiceSettings, ServiceSettings, is_loopback
from flawgate_contracts.startup import StartupError, settings_sentence
from flawgate_contracts.tls.certificates import Certificates
from flawgate_contracts.tls.serving import server_credentials
from flawgate_contracts.tracing import configure_tracing, shut_down

log = structlog.get_logger(__name__)

OVERALL = ""
"""Name under which health answers for the whole server."""

EXIT_BAD_SETTINGS = 2

STREAMING = (
    ("grpc.max_connection_age_ms", 10 * 60 * 1000),
    # A stream goes on after its connection has come of age, until its caller ends it: only new calls go elsewhere.
    ("grpc.max_connection_age_grace_ms", 2**31 - 1),
    # A caller that went away without a word is found by a ping.
    ("grpc.keepalive_time_ms", 30 * 1000),
    ("grpc.keepalive_timeout_ms", 10 * 1000),
    ("grpc.http2.ping_timeout_ms", 10 * 1000),
)
"""Options of a server with streams; of two of one name, the last holds."""

WATCHERS = 64
"""Streams of health that stay open beside the calls: one a connection of a caller that balances."""

CANCEL_S = 1.0
"""For calls that outlast the grace to end once they are cancelled."""

Settings = TypeVar("Settings", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class GrpcService:
    """A servicer and how to put it on a server."""

    full_name: str
    """As in the proto, e.g. `flawgate.decision.v1.DecisionService`."""
    register: Callable[[grpc.aio.Server], None]


@dataclass
class GrpcServer:
    """A gRPC server with health; NOT_SERVING until told otherwise."""

    server: grpc.aio.Server
    port: int
    health: Health
    calls: CallInterceptor
    names: Sequence[str]
    settings: GrpcServiceSettings
    has_tls: bool = False
    _stopping: bool = field(default=False, init=False)

    async def start(self, *, serving: bool = False) -> None:
        """Take calls, and let health say whether they can be served."""
        await self.set_serving(serving)
        await self.server.start()
        if not self.has_tls and not is_loopback(self.settings.host):
            log.warning("other machines reach this port, and it has no TLS", host=self.settings.host, port=self.port)

    async def set_serving(self, serving: bool) -> None:  # noqa: FBT001  # set_serving(True) reads as it is meant
        """Tell health's callers, of the whole server and of each service. Once stopping, it stays NOT_SERVING."""
        ready = serving and not self._stopping
        status = (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING)[not ready]
        for name in (OVERALL, *self.names):
            await self.health.set(name, status)

    async def drain_and_stop(self) -> None:
        """Say NOT_SERVING, wait `drain_s`, refuse new calls, give running ones `grace_s`, end."""
        self._stopping = True
        await self.set_serving(False)
        await asyncio.sleep(self.settings.drain_s)
        self.health.end()
        await self.server.stop(self.settings.grace_s)
        await self.calls.ended(CANCEL_S)


def create_grpc_server(
    settings: GrpcServiceSettings,
    port: int,
    registry: CollectorRegistry,
    services: Sequence[GrpcService],
    *,
    max_receive_bytes: int | None = None,
    certificates: Certificates | None = None,
    max_streams: int = 0,
) -> GrpcServer:
    """Build a server with health, the call interceptor and, where set, reflection. It is not started.

    Args:
        settings: limits, address, reflection.
        port: port to listen on; 0 takes a free one.
        registry: where the RPC metrics are kept.
        services: the servicers.
        max_receive_bytes: longest message taken, where that is less than the longest one sent.
        certificates: keep the files of TLS that the settings name; None where the service calls nobody by TLS.
        max_streams: calls that stay open for as long as there is something to stream, beside the others.

    Raises:
        StartupError: the port is taken, the address is not this machine's, or a file of TLS is no good.
    """
    tls = (certificates or Certificates(registry)).kept("tls", settings.tls_files())
    calls = CallInterceptor(RpcMetrics(registry), max_deadline_s=settings.max_deadline_s)
    server = grpc.aio.server(
        interceptors=[calls],
        maximum_concurrent_rpcs=settings.max_concurrent_calls + max_streams + WATCHERS,
        options=[
            ("grpc.max_receive_message_length", max_receive_bytes or settings.max_message_bytes),
            ("grpc.max_send_message_length", settings.max_message_bytes),
            # Two servers must not share a port: half of the calls would go to the wrong one.
            ("grpc.so_reuseport", 0),
            # Callers look for the servers of a name when a connection ends: one that was added gets its share by then.
            ("grpc.max_connection_age_ms", 60 * 1000),
            ("grpc.max_connection_age_grace_ms", 60 * 1000),
            ("grpc.http2.min_ping_interval_without_data_ms", SHORTEST_PING_MS),
            *(STREAMING if max_streams else ()),
        ],
    )
    health_servicer = Health(WATCHERS)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    for service in services:
        service.register(server)
    names = [service.full_name for service in services]
    if settings.reflection:
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    bound = _bind(server, settings.host, port, server_credentials(tls) if tls else None)
    return GrpcServer(server, bound, health_servicer, calls, names, settings, has_tls=tls is not None)


def _bind(server: grpc.aio.Server, host: str, port: int, credentials: grpc.ServerCredentials | None) -> int:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    except RuntimeError as err:
        raise StartupError(f"Cannot listen on {address}: the port is taken, or the address is not ours.") from err


@contextmanager
def metrics_server(host: str, port: int, registry: CollectorRegistry, service: str) -> Any:
    """Answer `GET /metrics` on a port of its own while the block runs; gives the port.

    Whoever asks for OpenMetrics, as Prometheus does, gets it, and with it the exemplars.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        registry: what is shown; the service's build and its process are added.
        service: name of the service, without the `flawgate-` of its package.

    Raises:
        StartupError: the port is taken, or the address is not this machine's.
    """
    # When a series began says nothing that `process_start_time_seconds` does not, and would be a series more for each.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation on this one
    describe_process(registry, service)
    try:
        server = MetricsPort(host, port, registry)
    except OSError as err:
        raise StartupError(f"Cannot serve metrics on {host}:{port}: {err.strerror or err}.") from err
    try:
        yield server.server_port
    finally:
        server.close()


async def serve_until_stopped(
    grpc_server: GrpcServer, *background: Coroutine[Any, Any, None], serving: bool = False
) -> None:
    """Start the server, run `background` beside it, and drain on SIGTERM or SIGINT.

    `serving` is what health says at first; where it is False, a background task tells when that changes.

    A background task that ends by an exception stops the service too, and the exception is raised: better a restart
    than a service that only looks alive.
    """
    await grpc_server.start(serving=serving)
    log.info("listening", host=grpc_server.settings.host, port=grpc_server.port, tls=grpc_server.has_tls)
    stopped = asyncio.ensure_future(stop_signal())
    tasks = [asyncio.ensure_future(task) for task in background]
    await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    await grpc_server.drain_and_stop()
    failed = [task for task in tasks if task.done()]
    for task in (stopped, *tasks):
        task.cancel()
    await asyncio.gather(stopped, *tasks, return_exceptions=True)
    for task in failed:
        task.result()


async def stop_signal() -> None:
    """Wait for SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def run_service(
    name: str, settings_class: type[Settings], serve: Callable[[Settings], Coroutine[Any, Any, None]]
) -> None:
    """Read the settings from the environment, set up logs and traces, and serve until stopped.

    Ends the process with status 2 and one sentence where a setting is wrong or a port is taken.
    """
    try:
        settings = settings_class()
    except ValidationError as err:
        _refuse(name, settings_sentence(settings_class, err))
    configure_logging(name, settings.log_level)
    try:
        configure_tracing(name)
        asyncio.run(serve(settings))
    except StartupError as err:
        _refuse(name, str(err))
    finally:
        shut_down()


def _refuse(name: str, sentence: str) -> Never:
    sys.stderr.write(f"{name}: {sentence}\n")
    raise SystemExit(EXIT_BAD_SETTINGS)

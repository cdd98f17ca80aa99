"""The one file that sees all parts of the decision service."""

import asyncio
from functools import partial

from prometheus_client import CollectorRegistry

from flawgate.decision.v1 import decision_pb2_grpc
from flawgate_contracts.metrics.decision import RecipeMetrics
from flawgate_contracts.metrics.models import ModelServerMetrics
from flawgate_contracts.metrics.serving import StageMetrics
from flawgate_contracts.serving import GrpcServer, GrpcService, create_grpc_server, metrics_server, serve_until_stopped
from flawgate_contracts.tls.certificates import Certificates
from flawgate_decision.catalogue import Catalogue
from flawgate_decision.facts import facts_of
from flawgate_decision.observed import ObservedModelServer
from flawgate_decision.reading import GoldenSource
from flawgate_decision.servicer import DecisionServicer
from flawgate_decision.settings import DecisionSettings
from flawgate_decision.triton import TritonModelServer
from flawgate_inference.model_server import ModelServer

HEALTH_INTERVAL_S = 0.5
"""Seconds between two answers of health and metrics to what the catalogue knows."""

SERVICE_NAME = "flawgate.decision.v1.DecisionService"


def create_model_server(settings: DecisionSettings, certificates: Certificates) -> ModelServer:
    """Triton, or the repository in this process.

    Raises:
        StartupError: a file of TLS is no good.
    """
    if settings.model_server == "triton" or settings.model_repository is None:
        tls = certificates.kept("upstream_tls", settings.upstream_tls_files())
        return TritonModelServer(settings.triton_target, max_message_bytes=settings.max_message_bytes, tls=tls)
    # Only here: a service beside Triton is installed without ONNX Runtime.
    from flawgate_inference.onnx_server import OnnxModelServer  # noqa: PLC0415

    return OnnxModelServer(settings.model_repository, threads=settings.threads)


def create_catalogue(settings: DecisionSettings, model_server: ModelServer) -> Catalogue:
    """Build the catalogue; it has not looked yet."""
    return Catalogue(
        model_server,
        probe_interval_s=settings.probe_interval_s,
        golden_interval_s=settings.golden_interval_s,
        infer_timeout_s=settings.infer_timeout_s,
        source=GoldenSource(settings.model_repository, settings.golden_frames),
    )


def create_server(
    settings: DecisionSettings,
    registry: CollectorRegistry,
    model_server: ModelServer,
    catalogue: Catalogue,
    certificates: Certificates | None = None,
) -> GrpcServer:
    """Build the server; it is not started.

    Raises:
        StartupError: the port is taken, or a file of TLS is no good.
    """
    stages = StageMetrics(registry, ("infer", "policy"))
    servicer = DecisionServicer(model_server, catalogue, stages, infer_timeout_s=settings.infer_timeout_s)
    register = partial(decision_pb2_grpc.add_DecisionServiceServicer_to_server, servicer)
    service = GrpcService(SERVICE_NAME, register)
    return create_grpc_server(settings, settings.port, registry, [service], certificates=certificates)


async def report_health(
    catalogue: Catalogue, grpc_server: GrpcServer, recipes: RecipeMetrics, calls: ModelServerMetrics, every_s: float
) -> None:
    """Let health and metrics say what the catalogue knows, until cancelled."""
    while True:
        await grpc_server.set_serving(catalogue.is_ready())
        recipes.model_server_up.set(catalogue.is_reachable())
        recipes.show([facts_of(entry) for entry in catalogue.entries])
        calls.keep(catalogue.versions)
        await asyncio.sleep(every_s)


async def serve(settings: DecisionSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    registry = CollectorRegistry()
    recipes, calls = RecipeMetrics(registry), ModelServerMetrics(registry)
    certificates = Certificates(registry)
    model_server = ObservedModelServer(create_model_server(settings, certificates), calls)
    catalogue = create_catalogue(settings, model_server)
    grpc_server = create_server(settings, registry, model_server, catalogue, certificates)
    with metrics_server(settings.host, settings.metrics_port, registry, "decision"):
        await serve_until_stopped(
            grpc_server,
            catalogue.watch(),
            report_health(catalogue, grpc_server, recipes, calls, HEALTH_INTERVAL_S),
        )
    await model_server.close()

"""The one file that sees all parts of the decision service."""

import asyncio
from functools import partial

from prometheus_client import CollectorRegistry

from flawgate.decision.v1 import decision_pb2_grpc
from flawgate_contracts.metrics import RecipeMetrics, StageMetrics
from flawgate_contracts.serving import GrpcServer, GrpcService, create_grpc_server, metrics_server, serve_until_stopped
from flawgate_decision.catalogue import Catalogue, State
from flawgate_decision.servicer import DecisionServicer
from flawgate_decision.settings import DecisionSettings
from flawgate_decision.triton import TritonModelServer
from flawgate_inference.model_server import ModelServer

HEALTH_INTERVAL_S = 0.5
"""Seconds between two answers of health and metrics to what the catalogue knows."""

SERVICE_NAME = "flawgate.decision.v1.DecisionService"


def create_model_server(settings: DecisionSettings) -> ModelServer:
    """Triton, or the repository in this process."""
    if settings.model_server == "triton" or settings.model_repository is None:
        return TritonModelServer(settings.triton_target, max_message_bytes=settings.max_message_bytes)
    # Only here: a service beside Triton is installed without ONNX Runtime.
    from flawgate_inference.onnx_server import OnnxModelServer  # noqa: PLC0415

    return OnnxModelServer(settings.model_repository, threads=settings.threads)


def create_server(
    settings: DecisionSettings, registry: CollectorRegistry, model_server: ModelServer, catalogue: Catalogue
) -> GrpcServer:
    """Build the server; it is not started.

    Raises:
        StartupError: the port is taken.
    """
    stages = StageMetrics(registry, ("infer", "policy"))
    servicer = DecisionServicer(model_server, catalogue, stages, infer_timeout_s=settings.infer_timeout_s)
    register = partial(decision_pb2_grpc.add_DecisionServiceServicer_to_server, servicer)
    return create_grpc_server(settings, settings.port, registry, [GrpcService(SERVICE_NAME, register)])


async def report_health(catalogue: Catalogue, grpc_server: GrpcServer, metrics: RecipeMetrics, every_s: float) -> None:
    """Let health and metrics say what the catalogue knows, until cancelled."""
    while True:
        await grpc_server.set_serving(catalogue.is_ready())
        metrics.model_server_up.set(catalogue.is_reachable())
        metrics.show({entry.name: entry.state is State.READY for entry in catalogue.entries})
        await asyncio.sleep(every_s)


async def serve(settings: DecisionSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    registry = CollectorRegistry()
    model_server = create_model_server(settings)
    catalogue = Catalogue(
        model_server,
        probe_interval_s=settings.probe_interval_s,
        verify_interval_s=settings.verify_interval_s,
        infer_timeout_s=settings.infer_timeout_s,
    )
    grpc_server = create_server(settings, registry, model_server, catalogue)
    with metrics_server(settings.host, settings.metrics_port, registry):
        await serve_until_stopped(
            grpc_server,
            catalogue.watch(),
            report_health(catalogue, grpc_server, RecipeMetrics(registry), HEALTH_INTERVAL_S),
        )
    await model_server.close()

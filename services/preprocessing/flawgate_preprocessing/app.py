"""The one file that sees all parts of the preprocessing service."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from prometheus_client import CollectorRegistry

from flawgate.preprocessing.v1 import preprocessing_pb2_grpc
from flawgate_contracts.metrics.serving import StageMetrics
from flawgate_contracts.serving import GrpcServer, GrpcService, create_grpc_server, metrics_server, serve_until_stopped
from flawgate_imaging.decoding import Limits
from flawgate_preprocessing.servicer import PreprocessingServicer
from flawgate_preprocessing.settings import PreprocessingSettings

SERVICE_NAME = "flawgate.preprocessing.v1.PreprocessingService"


def create_server(settings: PreprocessingSettings, registry: CollectorRegistry) -> GrpcServer:
    """Build the server; it is not started.

    Raises:
        StartupError: the port is taken, or a file of TLS is no good.
    """
    servicer = PreprocessingServicer(
        Limits(max_bytes=settings.max_frame_bytes, max_pixels=settings.max_frame_pixels),
        ThreadPoolExecutor(settings.threads, thread_name_prefix="preprocess"),
        StageMetrics(registry, ("decode", "steps")),
    )
    register = partial(preprocessing_pb2_grpc.add_PreprocessingServiceServicer_to_server, servicer)
    return create_grpc_server(settings, settings.port, registry, [GrpcService(SERVICE_NAME, register)])


async def serve(settings: PreprocessingSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    registry = CollectorRegistry()
    grpc_server = create_server(settings, registry)
    with metrics_server(settings.host, settings.metrics_port, registry, "preprocessing"):
        await serve_until_stopped(grpc_server, serving=True)

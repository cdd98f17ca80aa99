"""The gRPC server: the door, with health that says what `/readyz` says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from prometheus_client import CollectorRegistry

from flawgate.inspection.v1 import inspection_pb2_grpc
from flawgate_contracts.serving import GrpcServer, GrpcService, create_grpc_server
from flawgate_contracts.tls.certificates import Certificates
from flawgate_gateway.rpc.servicer import InspectionServicer
from flawgate_gateway.settings import GatewaySettings

SERVICE_NAME = "flawgate.inspection.v1.InspectionService"
HEALTH_INTERVAL_S = 1.0
"""Seconds between two looks at what health is to say."""
FIELDS_BYTES = 64 * 1024
"""What a message may hold beside its picture, which may be as long as a body at the REST door."""

IsReady = Callable[[], Awaitable[bool]]
"""Says whether a frame can be inspected."""


def create_server(
    settings: GatewaySettings,
    registry: CollectorRegistry,
    servicer: InspectionServicer,
    certificates: Certificates,
) -> GrpcServer:
    """Build the server; it is not started.

    Raises:
        StartupError: the port is taken, or a file of TLS is no good.
    """
    register = partial(inspection_pb2_grpc.add_InspectionServiceServicer_to_server, servicer)
    return create_grpc_server(
        settings,
        settings.grpc_port,
        registry,
        [GrpcService(SERVICE_NAME, register)],
        max_receive_bytes=settings.max_body_bytes + FIELDS_BYTES,
        certificates=certificates,
        max_streams=settings.max_streams,
    )


@asynccontextmanager
async def started(server: GrpcServer, is_ready: IsReady) -> AsyncIterator[GrpcServer]:
    """Take calls, and let health follow what is so, until the end of the block; stopping is the caller's business."""
    await server.start(serving=await is_ready())
    reporting = asyncio.ensure_future(_report_health(server, is_ready))
    try:
        yield server
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)


async def _report_health(server: GrpcServer, is_ready: IsReady) -> None:
    while True:
        await asyncio.sleep(HEALTH_INTERVAL_S)
        await server.set_serving(await is_ready())

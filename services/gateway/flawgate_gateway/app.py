"""The one file that sees all parts of the gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry

from flawgate_contracts.calls import create_channel
from flawgate_contracts.serving import metrics_server, stop_signal
from flawgate_gateway.clients import DecisionClient, PreprocessingClient, is_serving
from flawgate_gateway.core import Inspector
from flawgate_gateway.observer import PrometheusObserver
from flawgate_gateway.ports import Decider, Observer, Preprocessor
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.rest import routes
from flawgate_gateway.rest.body import BodyLimitMiddleware
from flawgate_gateway.rest.middleware import ContextMiddleware
from flawgate_gateway.rest.openapi import DESCRIPTION
from flawgate_gateway.rest.problems import install_handlers
from flawgate_gateway.rest.server import RestServer, listen
from flawgate_gateway.settings import GatewaySettings
from flawgate_gateway.store import InspectionStore
from flawgate_imaging.decoding import Limits

MAX_CALL_S = 600.0
"""Longest call of another service, in seconds; the deadline of an inspection is shorter, or as long."""

Check = Callable[[], Awaitable[dict[str, bool]]]
"""Says of each service that the gateway needs whether it is serving."""


def create_app(
    settings: GatewaySettings, preprocessor: Preprocessor, decider: Decider, observer: Observer, check: Check
) -> FastAPI:
    """Build the REST door over the core."""
    recipes = RecipeBook(decider, ttl_s=settings.recipe_ttl_s)
    store = InspectionStore(max_inspections=settings.store_max_inspections, max_bytes=settings.store_max_bytes)
    inspector = Inspector(
        preprocessor,
        decider,
        recipes,
        store,
        observer,
        max_in_progress=settings.max_in_progress,
        deadline_s=settings.deadline_s,
    )
    limits = Limits(max_bytes=settings.max_body_bytes, max_pixels=settings.max_frame_pixels)
    # /docs with its scripts from this server: a factory often has no way to the outside.
    app = FastAPIOffline(
        title="Flawgate",
        version=version("flawgate-gateway"),
        description=DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.stopping = False
    app.include_router(routes.inspection_routes(inspector, upload_timeout_s=settings.upload_timeout_s))
    app.include_router(routes.store_routes(store, limits))
    app.include_router(routes.recipe_routes(recipes))
    app.include_router(routes.problem_routes())
    app.include_router(routes.health_routes(check))
    install_handlers(app)
    app.add_middleware(ContextMiddleware)
    app.add_middleware(
        BodyLimitMiddleware, max_bytes=settings.max_body_bytes, max_buffered_bytes=settings.max_buffered_bytes
    )
    return app


@asynccontextmanager
async def connected_app(settings: GatewaySettings, registry: CollectorRegistry) -> AsyncIterator[FastAPI]:
    """The app over channels to the other services, which are closed at the end of the block."""
    async with AsyncExitStack() as stack:
        targets = {"preprocessing": settings.preprocessing_target, "decision": settings.decision_target}
        channels = {
            name: await stack.enter_async_context(create_channel(target, max_message_bytes=settings.max_message_bytes))
            for name, target in targets.items()
        }

        async def check() -> dict[str, bool]:
            serving = await asyncio.gather(*(is_serving(channel) for channel in channels.values()))
            return dict(zip(channels, serving, strict=True))

        yield create_app(
            settings,
            PreprocessingClient(channels["preprocessing"], timeout_s=MAX_CALL_S),
            DecisionClient(channels["decision"], timeout_s=MAX_CALL_S),
            PrometheusObserver(registry),
            check,
        )


async def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    registry = CollectorRegistry()
    listener = listen(settings.host, settings.port)
    with metrics_server(settings.host, settings.metrics_port, registry):
        async with connected_app(settings, registry) as app:
            server = RestServer(app, grace_s=settings.grace_s)
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            stopped = asyncio.ensure_future(stop_signal())
            await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
            app.state.stopping = True
            await asyncio.sleep(settings.drain_s)
            server.should_exit = True
            stopped.cancel()
            await serving

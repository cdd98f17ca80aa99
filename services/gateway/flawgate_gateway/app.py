"""The one file that sees all parts of the gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry

from flawgate_contracts.calls import create_channel
from flawgate_contracts.metrics.gateway import HttpMetrics, UpstreamMetrics
from flawgate_contracts.serving import GrpcServer, metrics_server, stop_signal
from flawgate_contracts.tls.certificates import Certificates
from flawgate_contracts.tracing import exemplar
from flawgate_gateway.access.keys import KeyBook
from flawgate_gateway.archive.holds import HoldBook
from flawgate_gateway.building import (
    create_admission,
    create_dispatcher,
    create_gate,
    create_inspector,
    create_stream_desk,
    open_archive,
)
from flawgate_gateway.clients import DecisionClient, PreprocessingClient, is_serving
from flawgate_gateway.core import Way
from flawgate_gateway.database.preparing import answers, prepared_database
from flawgate_gateway.drift.watch import DriftWatch
from flawgate_gateway.observer import PrometheusDriftBoard, PrometheusObserver, PrometheusStanding
from flawgate_gateway.oip.door import OpenInferenceMiddleware
from flawgate_gateway.oip.triton import triton_http
from flawgate_gateway.outbox.desk import SinkDesk
from flawgate_gateway.outbox.drafts import COMPLETED, STREAM_GAP
from flawgate_gateway.parts import Parts
from flawgate_gateway.policies.book import PolicyBook
from flawgate_gateway.policies.in_force import RecipesInForce
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.records.tidying import keep_tidy
from flawgate_gateway.rest import routes
from flawgate_gateway.rest.access import AccessMiddleware
from flawgate_gateway.rest.access_log import AccessLog
from flawgate_gateway.rest.batch import batch_routes
from flawgate_gateway.rest.body import BodyLimitMiddleware
from flawgate_gateway.rest.counting import RequestCounter
from flawgate_gateway.rest.document import describe, operation_id
from flawgate_gateway.rest.holds import hold_routes
from flawgate_gateway.rest.keys import key_routes
from flawgate_gateway.rest.middleware import ContextMiddleware
from flawgate_gateway.rest.openapi import DESCRIPTION
from flawgate_gateway.rest.pictures import picture_routes
from flawgate_gateway.rest.problems import install_handlers
from flawgate_gateway.rest.queries import query_routes
from flawgate_gateway.rest.server import RestServer, listen
from flawgate_gateway.rest.sinks import schema_routes, sink_routes
from flawgate_gateway.rest.stations import EventTerms, station_routes
from flawgate_gateway.rest.streams import stream_routes
from flawgate_gateway.rest.tls import server_context
from flawgate_gateway.rest_building import create_policy_routes, create_review_routes
from flawgate_gateway.rpc.access import admitting
from flawgate_gateway.rpc.server import IsReady, create_server, started
from flawgate_gateway.rpc.servicer import Doorman, InspectionServicer
from flawgate_gateway.settings import GatewaySettings
from flawgate_gateway.standing import Lookout
from flawgate_gateway.stream.book import StreamBook
from flawgate_gateway.stream.viewers import Viewers
from flawgate_gateway.variant_building import VariantParts, create_variant_observer, open_variants
from flawgate_imaging.decoding import Limits

log = structlog.get_logger(__name__)

MAX_CALL_S = 600.0
"""Longest call of another service, in seconds; the deadline of an inspection is shorter, or as long."""
TIDY_S = 600.0
"""Seconds between two rounds in which expired idempotency keys are forgotten."""

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own would be a second set of spans, and would tell a collector word by word what a caller sent."""


def create_app(settings: GatewaySettings, parts: Parts) -> FastAPI:
    """Build the REST door over the core."""
    # /docs with its scripts from this server: a factory often has no way to the outside.
    app = FastAPIOffline(
        title="Flawgate",
        version=version("flawgate-gateway"),
        description=DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        generate_unique_id_function=operation_id,
        telemetry=NO_TELEMETRY,
    )
    app.state.stopping = False
    limits = Limits(max_bytes=settings.max_body_bytes, max_pixels=settings.max_frame_pixels)
    app.include_router(routes.inspection_routes(parts.inspector, upload_timeout_s=settings.upload_timeout_s))
    app.include_router(
        batch_routes(
            parts.inspector,
            max_items=settings.batch_max_items,
            concurrency=settings.batch_concurrency,
            upload_timeout_s=settings.upload_timeout_s,
        )
    )
    app.include_router(query_routes(parts.database))
    app.include_router(routes.record_routes(parts.records))
    app.include_router(picture_routes(parts.records, parts.archive, limits))
    app.include_router(hold_routes(HoldBook(parts.database)))
    app.include_router(stream_routes(parts.database))
    app.include_router(station_routes(parts.database, parts.viewers, EventTerms()))
    app.include_router(routes.recipe_routes(parts.recipes))
    app.include_router(create_policy_routes(parts))
    app.include_router(create_review_routes(parts))
    app.include_router(sink_routes(SinkDesk(parts.database, parts.dispatcher.sinks, parts.dispatcher.wake)))
    app.include_router(schema_routes())
    app.include_router(key_routes(KeyBook(parts.database)))
    app.include_router(routes.problem_routes())
    app.include_router(routes.health_routes(parts.check))
    install_handlers(app)
    describe(app)
    app.add_middleware(AccessMiddleware, gate=parts.gate)
    app.add_middleware(OpenInferenceMiddleware, triton=parts.triton, gate=parts.gate)
    app.add_middleware(
        ContextMiddleware,
        access_log=AccessLog(settings.access_log_sample),
        counter=RequestCounter(parts.http),
        stopping=lambda: app.state.stopping,
    )
    app.add_middleware(
        BodyLimitMiddleware, max_bytes=settings.max_body_bytes, max_buffered_bytes=settings.max_buffered_bytes
    )
    return app


@asynccontextmanager
async def connected_parts(settings: GatewaySettings, registry: CollectorRegistry) -> AsyncIterator[Parts]:
    """What the doors stand over, with the other services and the records; all is let go of at the end of the block."""
    async with AsyncExitStack() as stack:
        targets = {"preprocessing": settings.preprocessing_target, "decision": settings.decision_target}
        certificates = Certificates(registry)
        tls = certificates.kept("upstream_tls", settings.upstream_tls_files())
        channel_to = partial(create_channel, max_message_bytes=settings.max_message_bytes, tls=tls)
        channels = {name: await stack.enter_async_context(channel_to(target)) for name, target in targets.items()}
        database = await stack.enter_async_context(prepared_database(settings.records_url()))

        standing = PrometheusStanding(registry)

        async def check() -> dict[str, bool]:
            serving = await asyncio.gather(*(is_serving(channel) for channel in channels.values()), answers(database))
            up = dict(zip((*channels, "records"), serving, strict=True))
            standing.dependencies(up)
            return up

        retries = UpstreamMetrics(registry, tuple(targets)).retries
        decider = DecisionClient(channels["decision"], timeout_s=MAX_CALL_S, again=retries.labels("decision").inc)
        recipes = RecipeBook(decider, ttl_s=settings.recipe_ttl_s)
        drift = DriftWatch(recipes.last_listed, PrometheusDriftBoard(registry))
        counter = create_variant_observer(settings, registry)
        observer = PrometheusObserver(registry, drift, settings.stations, exemplar, counter)
        recipes.tell(observer.listed)
        policies = PolicyBook(database, ttl_s=settings.policy_ttl_s)
        dispatcher = create_dispatcher(settings, database, registry)
        await stack.enter_async_context(dispatcher.running(grace_s=settings.grace_s))
        viewers = Viewers(settings.max_viewers)

        def written() -> None:
            dispatcher.wake()
            viewers.wake()

        records = RecordBook(
            database,
            sinks=dispatcher.sinks.takers(COMPLETED),
            expires_s=settings.idempotency_h * 3600,
            written=written,
        )
        archive = await open_archive(stack, settings, database, registry)
        preprocessor = PreprocessingClient(
            channels["preprocessing"], timeout_s=MAX_CALL_S, again=retries.labels("preprocessing").inc
        )
        shared = VariantParts(preprocessor, policies, observer, counter, MAX_CALL_S)
        variants = await open_variants(stack, settings, channel_to, shared)
        way = Way(
            preprocessor,
            decider,
            RecipesInForce(recipes, policies),
            create_admission(settings, observer),
            archive,
            records,
            variants.canary,
            variants.shadow,
        )
        inspector = create_inspector(settings, way, observer)
        stack.push_async_callback(inspector.settled)
        gap_book = StreamBook(database, sinks=dispatcher.sinks.takers(STREAM_GAP), written=written)
        streams = create_stream_desk(settings, inspector, recipes, gap_book, registry)
        tidying = asyncio.ensure_future(keep_tidy(database, every_s=TIDY_S))
        stack.callback(tidying.cancel)
        gate = create_gate(settings, database, registry)
        passed_on = triton_http(
            settings.triton_http_url,
            timeout_s=settings.triton_timeout_s,
            max_in_progress=settings.triton_max_in_progress,
        )
        triton = await stack.enter_async_context(passed_on)
        lookout = Lookout(database, archive.answers, recipes, policies, standing, variants.serve)
        await stack.enter_async_context(lookout.running())
        yield Parts(
            inspector,
            records,
            recipes,
            database,
            archive,
            check,
            gate,
            policies,
            dispatcher,
            streams,
            viewers,
            HttpMetrics(registry),
            standing,
            certificates,
            triton,
        )


def readiness(app: FastAPI, parts: Parts) -> IsReady:
    """What says whether frames are taken and can be inspected; metrics are told each time."""

    async def is_ready() -> bool:
        is_so = await _can_inspect(parts) and not app.state.stopping
        parts.standing.ready(is_so=is_so)
        return is_so

    return is_ready


async def _can_inspect(parts: Parts) -> bool:
    """Whether all that is needed serves; an answer that nobody expected is none, and the looks go on."""
    try:
        return all((await parts.check()).values())
    except Exception:
        log.exception("what the gateway needs cannot be looked at")
        return False


def create_grpc_door(settings: GatewaySettings, registry: CollectorRegistry, parts: Parts) -> GrpcServer:
    """Build the gRPC door over the core; it is not started.

    Raises:
        StartupError: the port is taken, or a file of TLS is no good.
    """
    doorman = Doorman(admitting(parts.gate), parts.gate.permit)
    servicer = InspectionServicer(parts.inspector, parts.records, parts.database, parts.streams, doorman)
    return create_server(settings, registry, servicer, parts.certificates)


async def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    registry = CollectorRegistry()
    tls = server_context(settings)
    listener = listen(settings.host, settings.port)
    with metrics_server(settings.host, settings.metrics_port, registry, "gateway"):
        async with connected_parts(settings, registry) as parts:
            app = create_app(settings, parts)
            rest = RestServer(app, grace_s=settings.grace_s, tls=tls)
            grpc_door = create_grpc_door(settings, registry, parts)
            async with started(grpc_door, readiness(app, parts)):
                serving = asyncio.ensure_future(rest.serve(sockets=[listener]))
                stopped = asyncio.ensure_future(stop_signal())
                await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
                app.state.stopping = True
                parts.streams.opened.drain()
                parts.viewers.end()
                stopped.cancel()
                await asyncio.gather(_drained(rest, serving, settings.drain_s), grpc_door.drain_and_stop())


async def _drained(rest: RestServer, serving: "asyncio.Future[None]", drain_s: float) -> None:
    await asyncio.sleep(drain_s)
    rest.should_exit = True
    await serving

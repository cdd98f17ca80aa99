"""Building the parts of the gateway of its settings, each by itself; `app` puts them together."""

from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from flawgate_contracts.errors import (
    InvalidParameter,
    PermissionDenied,
    RateLimited,
    RecordsUnavailable,
    Unauthenticated,
)
from flawgate_contracts.metrics.gateway import AccessMetrics
from flawgate_contracts.startup import StartupError
from flawgate_gateway.access.authenticating import Authenticator
from flawgate_gateway.access.gate import Gate, KeyGate, OpenGate
from flawgate_gateway.access.keys import KeyBook
from flawgate_gateway.access.rates import RateLimits
from flawgate_gateway.admission.gate import AdmissionGate
from flawgate_gateway.admission.observer import AdmissionObserver
from flawgate_gateway.archive.keeping import PictureArchive
from flawgate_gateway.archive.opening import kept_archive
from flawgate_gateway.core import Inspector, Way
from flawgate_gateway.database.connections import Database
from flawgate_gateway.observer import (
    PrometheusDeliveryObserver,
    PrometheusPictureObserver,
    PrometheusStreamObserver,
)
from flawgate_gateway.outbox.dispatcher import Dispatcher
from flawgate_gateway.outbox.senders import sender_of
from flawgate_gateway.outbox.sinks import load_sinks
from flawgate_gateway.ports import Observer
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.settings import GatewaySettings
from flawgate_gateway.stream.book import StreamBook
from flawgate_gateway.stream.desk import StreamDesk, StreamTerms

REFUSALS = (Unauthenticated, PermissionDenied, RateLimited, RecordsUnavailable)
"""Why a key does not let in whoever sent it."""
FULL_QUEUES = 8
"""Recipes whose queues may be full at once before anything more is refused."""


def create_dispatcher(settings: GatewaySettings, database: Database, registry: CollectorRegistry) -> Dispatcher:
    """Build what delivers events; it does not run yet.

    Raises:
        StartupError: the file of sinks, or one that it names, cannot be used.
    """
    try:
        sinks = load_sinks(settings.sinks_file)
        return Dispatcher(
            database,
            sinks,
            sender_of,
            PrometheusDeliveryObserver(registry, [sink.name for sink in sinks.sinks]),
            poll_s=settings.outbox_poll_s,
            lease_s=settings.outbox_lease_s,
            retention_days=settings.outbox_retention_days,
        )
    except InvalidParameter as err:
        raise StartupError(err.message) from err


def create_gate(settings: GatewaySettings, database: Database, registry: CollectorRegistry) -> Gate:
    """Build what asks each request for its key, whichever door it comes to."""
    if settings.access != "keys":
        return OpenGate()
    refused = AccessMetrics(registry, [error.reason for error in REFUSALS]).refused
    return KeyGate(
        Authenticator(KeyBook(database), ttl_s=settings.key_ttl_s),
        RateLimits(settings.key_requests_per_s),
        lambda reason: refused.labels(reason).inc(),
    )


async def open_archive(
    stack: AsyncExitStack, settings: GatewaySettings, database: Database, registry: CollectorRegistry
) -> PictureArchive:
    """Open the archive of pictures, which is looked after until the stack is closed."""
    kept = kept_archive(settings.archive_terms(), database, PrometheusPictureObserver(registry))
    try:
        return await stack.enter_async_context(kept)
    except InvalidParameter as err:
        raise StartupError(err.message) from err


def create_stream_desk(
    settings: GatewaySettings,
    inspector: Inspector,
    recipes: RecipeBook,
    book: StreamBook,
    registry: CollectorRegistry,
) -> StreamDesk:
    """Build what serves the streams of cameras."""
    terms = StreamTerms(
        max_streams=settings.max_streams,
        credit=settings.stream_credits,
        max_frame_bytes=settings.max_body_bytes,
        max_held_bytes=settings.max_streamed_bytes,
        # At most half of a recipe's queue: who streams can wait, and who asks once cannot.
        at_once=max(1, settings.max_waiting // 2),
    )
    return StreamDesk(inspector, recipes, book, PrometheusStreamObserver(registry), terms)


def create_admission(settings: GatewaySettings, observer: AdmissionObserver) -> AdmissionGate:
    """Build what lets frames through to the services, so many at once."""
    return AdmissionGate(max_in_progress=settings.max_in_progress, max_waiting=settings.max_waiting, observer=observer)


def create_inspector(settings: GatewaySettings, way: Way, observer: Observer) -> Inspector:
    """Build the core over the parts that every frame goes through."""
    max_taken_on = settings.max_in_progress + FULL_QUEUES * settings.max_waiting
    return Inspector(way, observer, max_taken_on=max_taken_on, deadline_s=settings.deadline_s)

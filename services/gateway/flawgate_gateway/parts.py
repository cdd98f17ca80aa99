"""What the doors stand over."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from flawgate_contracts.metrics.gateway import HttpMetrics
from flawgate_contracts.tls.certificates import Certificates
from flawgate_gateway.access.gate import Gate
from flawgate_gateway.core import Inspector
from flawgate_gateway.database.connections import Database
from flawgate_gateway.oip.triton import TritonHttp
from flawgate_gateway.outbox.dispatcher import Dispatcher
from flawgate_gateway.policies.book import PolicyBook
from flawgate_gateway.ports import Archive
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.standing import StandingObserver
from flawgate_gateway.stream.desk import StreamDesk
from flawgate_gateway.stream.viewers import Viewers

Check = Callable[[], Awaitable[dict[str, bool]]]
"""Says of each service that the gateway needs whether it is serving."""


@dataclass(frozen=True, slots=True)
class Parts:
    """All of it."""

    inspector: Inspector
    records: RecordBook
    recipes: RecipeBook
    database: Database
    archive: Archive
    check: Check
    gate: Gate
    policies: PolicyBook
    dispatcher: Dispatcher
    streams: StreamDesk
    viewers: Viewers
    http: HttpMetrics
    standing: StandingObserver
    certificates: Certificates
    triton: TritonHttp | None = None

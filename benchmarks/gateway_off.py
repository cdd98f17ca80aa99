"""A gateway with records, archive and outbox off, as a yardstick.

    python benchmarks/gateway_off.py

Its settings come from the environment, as ever.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from flawgate_contracts.calls import create_channel
from flawgate_contracts.logs import configure_logging
from flawgate_contracts.serving import stop_signal
from flawgate_gateway.admission.gate import AdmissionGate
from flawgate_gateway.app import connected_parts, create_app
from flawgate_gateway.building import create_inspector
from flawgate_gateway.clients import DecisionClient, PreprocessingClient
from flawgate_gateway.core import Inspector, Way
from flawgate_gateway.observer import PrometheusObserver
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.rest.server import RestServer, listen
from flawgate_gateway.settings import GatewaySettings

TIMEOUT_S = 60.0


class NothingKept:
    """Archive and book of records that keep nothing."""

    async def put(self, inspection: Any, evidence: Any) -> None:
        """Keep no pictures."""

    async def claim(self, submission: Any, fingerprint: str, *, lasts_s: float) -> None:
        """Claim no key."""

    @asynccontextmanager
    async def ending(self, claim: Any) -> AsyncIterator[None]:
        """End no key."""
        del claim
        yield

    async def record(self, inspection: Any, archived: Any, claim: Any, stream: Any = None) -> None:
        """Write no record."""


@asynccontextmanager
async def inspector_without(settings: GatewaySettings) -> AsyncIterator[Inspector]:
    """The core over the same services, and over nothing that keeps."""
    preprocessing = create_channel(settings.preprocessing_target, max_message_bytes=settings.max_message_bytes)
    decision = create_channel(settings.decision_target, max_message_bytes=settings.max_message_bytes)
    async with preprocessing, decision:
        decider = DecisionClient(decision, timeout_s=TIMEOUT_S)
        nothing: Any = NothingKept()
        way = Way(
            PreprocessingClient(preprocessing, timeout_s=TIMEOUT_S),
            decider,
            RecipeBook(decider, ttl_s=settings.recipe_ttl_s),
            AdmissionGate(max_in_progress=settings.max_in_progress, max_waiting=settings.max_waiting),
            nothing,
            nothing,
        )
        yield create_inspector(settings, way, PrometheusObserver(CollectorRegistry()))


async def serve(settings: GatewaySettings) -> None:
    """Serve REST until SIGTERM."""
    async with connected_parts(settings, CollectorRegistry()) as parts, inspector_without(settings) as inspector:
        server = RestServer(create_app(settings, replace(parts, inspector=inspector)), grace_s=1)
        serving = asyncio.ensure_future(server.serve(sockets=[listen(settings.host, settings.port)]))
        await stop_signal()
        server.should_exit = True
        await serving


if __name__ == "__main__":
    configure_logging("gateway", "warning")
    sys.exit(asyncio.run(serve(GatewaySettings())))

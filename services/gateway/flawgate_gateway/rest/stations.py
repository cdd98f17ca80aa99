"""`GET /v1/stations/{station}/events`: what happens at a station, as Server-Sent Events.

Source: WHATWG HTML, section "Server-sent events".
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import StreamingResponse
from starlette.types import Message, Send

from flawgate_contracts.errors import FlawgateError, PermissionDenied, RecordsUnavailable, Unauthenticated
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.gate import Gate
from flawgate_gateway.database.connections import Database
from flawgate_gateway.frames import PlantId
from flawgate_gateway.rest.access import requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.rest.streaming import continued
from flawgate_gateway.stream.feed import Cursor, Happened, StationFeed
from flawgate_gateway.stream.viewers import Viewer, Viewers

EVENT_STREAM = "text/event-stream"
RETRY_MS = 2_000
"""After which a browser connects again, in milliseconds."""

_SAYS = (
    "Server-Sent Events: `event: inspection` with the record as JSON, `event: gap` with a gap of a camera's stream. "
    "Without `Last-Event-ID` it begins with what happens now; with the `id` of the last event seen, after that: what "
    "happened in the 15 s before it may then come again (tell events by `inspection_id` and `gap_id`), and nothing is "
    "left out. What goes on record more than 15 s after it was decided is not shown to those who watch, and what a "
    "camera with its clock more than 15 s ahead decided by itself is shown when its time has come; "
    "`GET /v1/inspections` finds it. A comment comes every 15 s where nothing happens. Who does not read is cut off. "
    "The key goes in the header `Authorization`, which a browser's own `EventSource` cannot set: use `fetch`, or a "
    "proxy that sets it."
)
_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events, as long as they are read.", "content": {EVENT_STREAM: {"schema": {"type": "string"}}}}
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EventTerms:
    """How viewers are served; seconds."""

    poll_s: float = 1.0
    """Between looks for what other gateways recorded."""
    pause_s: float = 0.2
    """Between two looks at least."""
    comment_s: float = 15.0
    """Between signs of life."""
    slow_s: float = 20.0
    """Longest wait for a viewer who does not read."""
    admit_s: float = 60.0
    """Between looks whether the key is still good."""


def station_routes(database: Database, viewers: Viewers, terms: EventTerms) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["streams"], responses=PROBLEMS, dependencies=[requires(Scope.READ)])

    @router.get(
        "/v1/stations/{station}/events",
        response_class=StreamingResponse,
        responses=_RESPONSE,
        summary="What happens at a station, as it happens",
        description=_SAYS,
    )
    async def watch_station(
        request: Request,
        station: Annotated[PlantId, Path(description="The station, as inspections name it.")],
        last_event_id: Annotated[
            str | None, Header(max_length=64, description="`id` of the last event that was seen.")
        ] = None,
    ) -> StreamingResponse:
        feed = StationFeed(database, station, None if last_event_id is None else Cursor.of(last_event_id))
        events = _events(feed, viewers, terms, _Admission(request, terms.admit_s))
        first = await anext(events)
        return EventStream(first, events, terms.slow_s, request.scope["state"].get("hang_up"))

    return router


class _Admission:
    """Whether the caller's key is still good, looked at now and then."""

    def __init__(self, request: Request, every_s: float) -> None:
        self._gate: Gate = request.state.gate
        self._authorizations = request.headers.getlist("authorization")
        self._every_s = every_s
        self._next = time.monotonic() + every_s

    async def is_over(self) -> bool:
        """Whether it is not."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._every_s
        try:
            admitted = await self._gate.admit(self._authorizations)
            self._gate.permit(admitted.caller, Scope.READ)
        except (Unauthenticated, PermissionDenied):
            return True
        except FlawgateError as error:
            log.warning("the key of a viewer cannot be looked at", reason=error.reason)
        return False


async def _events(
    feed: StationFeed, viewers: Viewers, terms: EventTerms, admission: _Admission
) -> AsyncGenerator[bytes, None]:
    """The stream, piece by piece; what is wrong is raised before the first."""
    with viewers.watching() as viewer:
        found = await feed.look()
        yield f"retry: {RETRY_MS}\n\n".encode()
        said = time.monotonic()
        while not viewer.is_over and not await admission.is_over():
            if found:
                yield b"".join(_event(happened) for happened in found)
                said = time.monotonic()
            elif time.monotonic() - said >= terms.comment_s:
                yield b":\n\n"
                said = time.monotonic()
            found = await _next(feed, viewer, terms, more=bool(found))


async def _next(feed: StationFeed, viewer: Viewer, terms: EventTerms, *, more: bool) -> list[Happened]:
    """What is new; waits for something to happen unless there may be more of what was found before."""
    await asyncio.sleep(terms.pause_s)
    if not more:
        await viewer.changed(terms.poll_s)
    try:
        return await feed.look()
    except RecordsUnavailable as error:
        log.warning("a viewer waits for the records", reason=error.reason)
        return []


def _event(happened: Happened) -> bytes:
    return f"id: {happened.cursor}\nevent: {happened.kind}\ndata: {happened.document}\n\n".encode()


class _TooSlowError(Exception):
    """The viewer does not read."""


class EventStream(StreamingResponse):
    """Sends events, and hangs up on whoever does not read them."""

    def __init__(
        self,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
        slow_s: float,
        hang_up: Callable[[], None] | None,
    ) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(continued(first, rest), media_type=EVENT_STREAM, headers=headers)
        self._slow_s = slow_s
        self._hang_up = hang_up

    async def stream_response(self, send: Send) -> None:
        """Stream (Starlette)."""

        async def send_soon(message: Message) -> None:
            try:
                async with asyncio.timeout(self._slow_s):
                    await send(message)
            except TimeoutError as err:
                raise _TooSlowError from err

        try:
            await super().stream_response(send_soon)
        except _TooSlowError:
            log.info("a viewer does not read, and is cut off")
            if self._hang_up is not None:
                self._hang_up()
                await asyncio.sleep(0)  # the server notes that the connection is gone

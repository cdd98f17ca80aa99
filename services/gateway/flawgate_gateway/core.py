"""What the gateway is: the way of a frame, from its arrival to its record. Nothing here knows HTTP or gRPC."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from flawgate_contracts.context import bound, current_context
from flawgate_contracts.errors import (
    DeadlineExceeded,
    FlawgateError,
    InternalError,
    Overloaded,
    RequestCancelled,
)
from flawgate_contracts.tracing import span
from flawgate_gateway.admission.gate import AdmissionGate, DeadlineUnreachable
from flawgate_gateway.answer import Inspection, Links
from flawgate_gateway.frames import CameraStream, Frame, InspectionOrder
from flawgate_gateway.passage import Refused, decided_inspection, refused_inspection, unreachable_inspection
from flawgate_gateway.ports import Archive, Decider, Evidence, Observer, Preprocessor, RecipeSource
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.records.captures import AlreadySettledError
from flawgate_gateway.records.claims import Claim
from flawgate_gateway.records.submission import Submission, fingerprint
from flawgate_gateway.stages import facts, timed
from flawgate_gateway.variants.canary import Canary
from flawgate_gateway.variants.judging import Judge
from flawgate_gateway.variants.routing import Router
from flawgate_gateway.variants.shadow import Shadow

log = structlog.get_logger(__name__)

HASHED_AT_ONCE = 32_768
"""Longest frame, in bytes, that is hashed in less time than it takes to hand it to a thread."""

NOBODY = Submission()
"""Nobody in particular, without an idempotency key."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a request came."""

    received_at: datetime
    """UTC."""
    started: float
    """The same moment on the monotonic clock, in seconds."""

    @classmethod
    def now(cls) -> "Arrival":
        """This moment."""
        return cls(datetime.now(UTC), time.monotonic())


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request for an inspection comes to."""

    inspection: Inspection
    replayed: bool
    """Whether it is the answer that an earlier request with the same idempotency key got."""


@dataclass(frozen=True, slots=True)
class Way:
    """The parts through which every frame goes."""

    preprocessor: Preprocessor
    decider: Decider
    recipes: RecipeSource
    gate: AdmissionGate
    archive: Archive
    records: RecordBook
    canary: Canary | None = None
    shadow: Shadow | None = None


class Inspector:
    """Takes frames on, as many at once as it may, and answers each with an inspection on record, or an error."""

    def __init__(self, way: Way, observer: Observer, *, max_taken_on: int, deadline_s: float) -> None:
        """An inspector.

        Args:
            way: through which the frames go.
            observer: is told of each.
            max_taken_on: frames that are worked on or wait, all together.
            deadline_s: for an order that states none, in seconds.
        """
        self._way = way
        self._router = Router(Judge(way.preprocessor, way.decider, way.recipes, observer), way.canary)
        self._observer = observer
        self._max_taken_on = max_taken_on
        self._taken_on = 0
        self._deadline_s = deadline_s
        self._recording: set[asyncio.Task[Inspection]] = set()
        self._left_behind: set[asyncio.Task[Inspection]] = set()
        """Of these, those whose callers have gone: they hold their frames all the same."""

    @property
    def has_canary(self) -> bool:
        """Whether a request may name the canary."""
        return self._way.canary is not None

    async def inspect(
        self, frame: Frame, order: InspectionOrder, arrival: Arrival, submission: Submission = NOBODY
    ) -> Answered:
        """Inspect one frame, and write its record.

        Args:
            frame: the picture.
            order: the recipe, the identity in the plant, the deadline.
            arrival: when the request came; the deadline counts from there.
            submission: who asks, under which idempotency key.

        Raises:
            FlawgateError: of the class that fits; the frame then has no evaluation, and is never OK.
            AlreadySettledError: the frame's number in its stream was settled meanwhile.
        """
        with span("inspect", recipe=order.recipe, station=order.station or "") as spent:
            async with self._counted(), self._deadline(order, arrival) as deadline:
                sha256 = frame.sha256 or await digest(frame.data)
                lasts_s = deadline - time.monotonic()
                same = fingerprint(order, sha256, submission.variant)
                claim = await self._way.records.claim(submission, same, lasts_s=lasts_s)
                if isinstance(claim, Inspection):
                    self._observer.replayed()
                    return Answered(claim, replayed=True)
                async with self._way.records.ending(claim):
                    inspection, evidence = await self._inspected(frame, order, submission, arrival, deadline, sha256)
                if submission.capture is not None:
                    inspection = inspection.model_copy(update={"capture": submission.capture})
                inspection = await self._recorded(inspection, evidence, claim, submission.stream)
                spent.set(**facts(inspection))
                self._observer.answered(inspection, time.monotonic() - arrival.started)
                if self._way.shadow is not None:
                    self._way.shadow.compare(frame, inspection)
                return Answered(inspection, replayed=False)

    async def take_over(
        self, inspection: Inspection, evidence: Evidence, arrival: Arrival, stream: CameraStream
    ) -> Answered:
        """Write the record of a frame that the camera's side has decided by itself: as it is, but for its links.

        Args:
            inspection: what was decided, with its `capture`.
            evidence: the frame, as far as its pictures can be drawn.
            arrival: when it came here.
            stream: whose frame it is.

        Raises:
            FlawgateError: it is not on record.
            AlreadySettledError: the frame's number in its stream was settled before.
        """
        async with self._counted():
            recorded = await self._recorded(inspection, evidence, None, stream)
            self._observer.answered(recorded, time.monotonic() - arrival.started)
            return Answered(recorded, replayed=False)

    async def settled(self) -> None:
        """Wait until what was decided is on record, also for callers who went away."""
        while self._recording:
            await asyncio.wait(self._recording)

    @contextmanager
    def counted_failures(self) -> Iterator[None]:
        """Count whatever ends the block by an exception: an inspection without an evaluation."""
        try:
            yield
        except FlawgateError as error:
            self._observer.failed(error.reason)
            raise
        except AlreadySettledError:
            self._observer.replayed()
            raise
        except asyncio.CancelledError:
            self._observer.failed(RequestCancelled.reason)
            raise
        except Exception:
            self._observer.failed(InternalError.reason)
            raise

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        with self.counted_failures():
            taken_on = self._taken_on + len(self._left_behind)
            if taken_on >= self._max_taken_on:
                self._observer.rejected("too_many")
                raise Overloaded(
                    f"{taken_on} inspections are worked on or wait, which is all that are taken on; try again shortly."
                )
            self._taken_on += 1
            self._observer.started()
            try:
                yield
            finally:
                self._taken_on -= 1
                self._observer.finished()

    @asynccontextmanager
    async def _deadline(self, order: InspectionOrder, arrival: Arrival) -> AsyncIterator[float]:
        """Bind the deadline for the next hops, and end the work when it passes; gives it, on the monotonic clock."""
        allowed_s = self._deadline_s if order.deadline_ms is None else order.deadline_ms / 1000
        deadline = arrival.started + allowed_s
        timed = replace(current_context(), deadline=deadline)
        with bound(timed):
            timer = asyncio.timeout(timed.remaining_s())
            try:
                async with timer:
                    yield deadline
            except TimeoutError as err:
                if not timer.expired():
                    raise
                raise DeadlineExceeded(
                    f"The frame was not evaluated within {allowed_s:g} s; allow more time with `deadline_ms`, "
                    "or send fewer frames at once."
                ) from err

    async def _inspected(
        self,
        frame: Frame,
        order: InspectionOrder,
        submission: Submission,
        arrival: Arrival,
        deadline: float,
        sha256: str,
    ) -> tuple[Inspection, Evidence]:
        recipe = await self._way.recipes.ready(order.recipe)
        try:
            async with self._way.gate.admitted(recipe.name, deadline) as place:
                passage = await self._router.judged(frame, recipe, submission, place, deadline)
        except DeadlineUnreachable:
            return unreachable_inspection(order, arrival.received_at, recipe, sha256), Evidence.unseen(frame, recipe)
        if isinstance(passage, Refused):
            unseen = Evidence.unseen(frame, passage.recipe)
            return refused_inspection(order, arrival.received_at, passage, sha256), unseen
        return decided_inspection(order, arrival.received_at, passage, sha256), passage.evidence(frame)

    async def _recorded(
        self, inspection: Inspection, evidence: Evidence, claim: Claim | None, stream: CameraStream | None
    ) -> Inspection:
        """The inspection as it stands on record. What was decided is recorded even where the caller goes away."""
        recording = asyncio.ensure_future(self._record(inspection, evidence, claim, stream))
        self._recording.add(recording)
        recording.add_done_callback(self._settle)
        try:
            return await asyncio.shield(recording)
        finally:
            if not recording.done():
                self._left_behind.add(recording)

    def _settle(self, recording: "asyncio.Task[Inspection]") -> None:
        self._recording.discard(recording)
        self._left_behind.discard(recording)
        if not recording.cancelled() and isinstance(error := recording.exception(), FlawgateError):
            log.warning("a decided frame is not on record", reason=error.reason, detail=error.message)

    async def _record(
        self, inspection: Inspection, evidence: Evidence, claim: Claim | None, stream: CameraStream | None
    ) -> Inspection:
        async with self._way.records.ending(claim):
            with timed(self._observer, "archive"):
                archived = await self._way.archive.put(inspection, evidence)
            with timed(self._observer, "record"):
                await self._way.records.record(inspection, archived, claim, stream)
        links = Links.of(
            inspection.inspection_id,
            pictures=archived is not None,
            mask=archived is not None and archived.mask_sha256 is not None,
            overlay=inspection.score is not None,
        )
        return inspection.model_copy(update={"links": links})


async def digest(data: bytes) -> str:
    """SHA-256, hexadecimal; of a long frame computed in a thread."""
    return _sha256(data) if len(data) <= HASHED_AT_ONCE else await asyncio.to_thread(_sha256, data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

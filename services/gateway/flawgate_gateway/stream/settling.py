"""Settling the numbers of one stream: each becomes an inspection on record, or lies within a gap."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from flawgate_contracts.context import current_context, new_context
from flawgate_contracts.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    FlawgateError,
    IdempotencyKeyReused,
    InternalError,
    InvalidRequest,
    ModelFailure,
)
from flawgate_contracts.tracing import Served
from flawgate_gateway.access.caller import Caller
from flawgate_gateway.answer import DropCause, Gap, Inspection
from flawgate_gateway.core import Arrival, Inspector, digest
from flawgate_gateway.frames import CameraStream
from flawgate_gateway.records.captures import AlreadySettledError
from flawgate_gateway.records.submission import Submission
from flawgate_gateway.stream.book import StreamBook
from flawgate_gateway.stream.decided import own_evidence, own_inspection
from flawgate_gateway.stream.digests import Digest
from flawgate_gateway.stream.messages import FrameContent, NotInspected, Result, SentFrame, SentGap
from flawgate_gateway.stream.observer import Outcome, StreamObserver
from flawgate_gateway.stream.room import Turns, having

INTERNAL = "Something went wrong inside; the gateway's log says what, under the frame's number."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SettlingParts:
    """Through which the frames of all streams go."""

    inspector: Inspector
    book: StreamBook
    turns: Turns
    observer: StreamObserver
    max_frame_bytes: int
    """Of one frame."""


class Settler:
    """Settles the numbers of one connection."""

    def __init__(self, parts: SettlingParts, stream: CameraStream, caller: Caller, *, recorded: int) -> None:
        """A settler.

        Args:
            parts: through which all streams go.
            stream: whose numbers they are.
            caller: who opened it.
            recorded: the highest number on record; those above are not looked up.
        """
        self._parts = parts
        self._inspector = parts.inspector
        self._book = parts.book
        self._turns = parts.turns.of(stream.recipe)
        self._observer = parts.observer
        self._stream = stream
        self._caller = caller
        self._recorded = recorded

    async def frame(self, sent: SentFrame, arrival: Arrival, before: Digest | None, own: Digest) -> Result:
        """Settle a frame.

        Args:
            sent: its message.
            arrival: when that came.
            before: of the frame before it; None where there was none.
            own: of this one; is told here.

        Raises:
            FlawgateError: the number is not settled, and the stream ends.
        """
        with self._served() as served:
            try:
                result = await self._settled(sent, arrival, before, own)
            except FlawgateError as error:
                result = await self._dropped(sent, arrival, error)
            except Exception:
                log.exception("unexpected error", sequence=sent.sequence)
                result = await self._dropped(sent, arrival, InternalError(INTERNAL))
            finally:
                own.known(None)
            served.answered({"flawgate.outcome": _outcome(result)})
        self._observer.settled(_outcome(result))
        return result

    def _served(self) -> Served:
        """A trace for each frame: one of a stream would have no end. The stream's caller is linked to."""
        who = self._stream.identity
        named = {"flawgate.station": who.station or "", "flawgate.camera": who.camera or ""}
        return Served(new_context({}), "frame", named, link=current_context())

    async def gap(self, sent: SentGap) -> Result:
        """Settle what the camera's side has dropped.

        Raises:
            RecordsUnavailable: the database does not answer.
            DiskFull: no space is left.
        """
        recorded = await self._recorded_gaps(sent, None)
        return Result(sent.last_sequence, sent, replayed=not recorded)

    async def _settled(self, sent: SentFrame, arrival: Arrival, before: Digest | None, own: Digest) -> Result:
        content = self._content(sent)
        sha256 = await digest(content.frame.data)
        own.known(sha256)
        if sent.sequence <= self._recorded:
            stands = await self._standing(sent.sequence, sha256)
            if stands is not None:
                return stands
        try:
            frame = replace(content.frame, repeats=await _same(before, sha256), sha256=sha256)
            return Result(sent.sequence, await self._inspected(replace(content, frame=frame), sent.sequence, arrival))
        except AlreadySettledError:
            stands = await self._standing(sent.sequence, sha256)
            if stands is None:
                raise InternalError(INTERNAL) from None
            return stands

    def _content(self, sent: SentFrame) -> FrameContent:
        with self._inspector.counted_failures():
            content = sent.read(self._stream)
            longest = self._parts.max_frame_bytes
            if len(content.frame.data) > longest:
                raise BodyTooLarge(
                    f"The frame is longer than the {longest} bytes that are taken; send a smaller or more compressed "
                    "picture.",
                    {"max_bytes": str(longest)},
                )
            return content

    async def _inspected(self, content: FrameContent, sequence: int, arrival: Arrival) -> Inspection:
        if content.decided is not None:
            return await self._taken_over(content, content.decided, sequence, arrival)
        deadline_ms = content.order.deadline_ms
        left_s = None if deadline_ms is None else deadline_ms / 1000 - (time.monotonic() - arrival.started)
        submission = Submission(self._caller, None, self._stream, content.capture(self._stream, sequence))
        async with AsyncExitStack() as turn:
            with self._inspector.counted_failures():
                await turn.enter_async_context(having(self._turns, within_s=left_s))
            # The gateway's own bound counts from the frame's turn: a stream may wait for it as long as it must.
            begun = Arrival(arrival.received_at, time.monotonic()) if deadline_ms is None else arrival
            return (await self._inspector.inspect(content.frame, content.order, begun, submission)).inspection

    async def _taken_over(
        self, content: FrameContent, decided: Inspection, sequence: int, arrival: Arrival
    ) -> Inspection:
        with self._inspector.counted_failures():
            own = own_inspection(content, decided, self._stream, sequence)
        evidence = own_evidence(content.frame, own)
        return (await self._inspector.take_over(own, evidence, arrival, self._stream)).inspection

    async def _standing(self, sequence: int, sha256: str | None) -> Result | None:
        """What is on record of a number, as the answer to a frame; None: nothing.

        Raises:
            IdempotencyKeyReused: another picture is.
        """
        stands = await self._book.settled(self._stream.stream_id, sequence)
        if isinstance(stands, Inspection) and stands.frame.sha256 != sha256:
            raise IdempotencyKeyReused(
                f"Number {sequence} of this stream is on record with another picture; begin a new stream, with a new "
                "`stream_id`, where numbers begin again.",
                {"sequence": str(sequence)},
            )
        return None if stands is None else Result(sequence, stands, replayed=True)

    async def _dropped(self, sent: SentFrame, arrival: Arrival, error: FlawgateError) -> Result:
        """Give a frame up, where that is the right answer to the error; else raise it."""
        cause = drop_cause(error, self._stream)
        if cause is None:
            raise error
        sequence = sent.sequence
        log.info("frame of a stream dropped", sequence=sequence, reason=error.reason, detail=error.message)
        gap = _gap_of(sequence, cause, self._taken_at(sent) or arrival.received_at)
        if await self._recorded_gaps(gap, f"{error.reason}: {error.message}"):
            return Result(sequence, NotInspected(error.reason, error.message, cause))
        # What was decided may have come on record while its deadline passed.
        stands = await self._standing(sequence, await self._digest(sent))
        if stands is None:
            raise error
        return replace(stands, replayed=False)

    async def _digest(self, sent: SentFrame) -> str | None:
        """Of a frame that was given up; None where it cannot be read."""
        try:
            return await digest(sent.read(self._stream).frame.data)
        except InvalidRequest:
            return None

    def _taken_at(self, sent: SentFrame) -> datetime | None:
        """When a frame was taken; None where it does not say so, or cannot be read."""
        try:
            return sent.read(self._stream).order.acquired_at
        except InvalidRequest:
            return None

    async def _recorded_gaps(self, gap: SentGap, detail: str | None) -> list[Gap]:
        recorded = await self._book.drop(self._stream, gap, detail)
        for each in recorded:
            self._observer.dropped(each.cause, each.frames)
        return recorded


def drop_cause(error: FlawgateError, stream: CameraStream) -> DropCause | None:
    """Why a frame that met an error counts as dropped; None where the error ends the stream instead.

    What can never be inspected is dropped, so that no camera sends it for ever. What failed is dropped by a stream of
    `latest`, which wants the next frame, and sent again by any other. All else (a recipe that is not there, another
    picture under the same number) is not the frame's fault, and would meet all that come after it.
    """
    if isinstance(error, InvalidRequest):
        return "REFUSED"
    if stream.delivery != "latest" or not (error.retryable or isinstance(error, InternalError | ModelFailure)):
        return None
    return "STALE" if isinstance(error, DeadlineExceeded) else "FAILED"


async def _same(before: Digest | None, sha256: str) -> bool:
    return before is not None and await before.value() == sha256


def _gap_of(sequence: int, cause: DropCause, at: datetime) -> SentGap:
    moment = at.astimezone(UTC)
    return SentGap(first_sequence=sequence, last_sequence=sequence, cause=cause, since=moment, until=moment)


def _outcome(result: Result) -> Outcome:
    if result.replayed:
        return "replayed"
    return "inspected" if isinstance(result.outcome, Inspection) else "dropped"

"""The desk of streams over fakes and a real database, and cameras' sides that do what a test tells them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from flawgate_contracts.errors import FlawgateError, InvalidRequest
from flawgate_gateway.access.caller import ANYONE, Caller
from flawgate_gateway.answer import DropCause, Inspection
from flawgate_gateway.database.tables import camera_streams
from flawgate_gateway.frames import CameraStream, Frame, InspectionOrder
from flawgate_gateway.stream.book import StreamBook
from flawgate_gateway.stream.desk import StreamDesk, StreamTerms
from flawgate_gateway.stream.documents import StreamFacts
from flawgate_gateway.stream.messages import (
    Credit,
    FrameContent,
    Hello,
    NotInspected,
    Result,
    SentFrame,
    SentGap,
    Welcome,
)
from flawgate_gateway.stream.observer import Outcome
from flawgate_gateway.stream.reports import read_stream
from support.inspector_bench import Bench

TAKEN = datetime(2026, 11, 20, 10, 15, 2, tzinfo=UTC)
TERMS = StreamTerms(max_streams=4, credit=4, max_frame_bytes=1000, max_held_bytes=10_000, at_once=8)
WAIT_S = 10.0


def hello(stream_id: str | None = None, **changes: Any) -> Hello:
    """Of the camera `top` at station S4."""
    said = {
        "stream_id": stream_id or str(uuid4()),
        "station": "S4",
        "camera": "top",
        "recipe": "spot",
        "delivery": "lossless",
        "next_sequence": 1,
    }
    return Hello.model_validate({**said, **changes})


def sent(sequence: int, data: bytes | None = None, *, decided: Inspection | None = None, **order: Any) -> SentFrame:
    """A frame with bytes of its own, unless told otherwise."""
    picture = data if data is not None else b"picture %d" % sequence

    def read(stream: CameraStream) -> FrameContent:
        fields = {**stream.identity.model_dump(), "recipe": stream.recipe, **order}
        return FrameContent(Frame(picture), InspectionOrder.model_validate(fields), None, decided)

    return SentFrame(sequence, len(picture), read)


def broken(sequence: int, error: FlawgateError) -> SentFrame:
    """A frame whose message is not as it must be."""

    def read(stream: CameraStream) -> FrameContent:
        raise error

    return SentFrame(sequence, 10, read)


def dropped(first: int, last: int, cause: DropCause = "SUPERSEDED") -> SentGap:
    """A gap."""
    return SentGap(first_sequence=first, last_sequence=last, cause=cause, since=TAKEN, until=TAKEN)


def inspected(result: Result) -> Inspection:
    """The inspection of a result."""
    assert isinstance(result.outcome, Inspection)
    return result.outcome


def cause_of(result: Result) -> str:
    """Why a frame has no inspection."""
    assert isinstance(result.outcome, NotInspected)
    return result.outcome.cause


async def wait_until(met: Callable[[], bool]) -> None:
    """Until something is so."""
    async with asyncio.timeout(WAIT_S):
        while not met():  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.005)


class CountingStreamObserver:
    """A `StreamObserver` that keeps what it is told."""

    def __init__(self) -> None:
        self.open = 0
        self.outcomes: Counter[str] = Counter()
        self.dropped_frames: Counter[str] = Counter()

    def opened(self) -> None:
        """See `StreamObserver`."""
        self.open += 1

    def closed(self) -> None:
        """See `StreamObserver`."""
        self.open -= 1

    def settled(self, outcome: Outcome) -> None:
        """See `StreamObserver`."""
        self.outcomes[outcome] += 1

    def dropped(self, cause: DropCause, frames: int) -> None:
        """See `StreamObserver`."""
        self.dropped_frames[cause] += frames


class CameraSide:
    """One connection, in memory: a `Wire` for the desk, and the other end for a test."""

    def __init__(self) -> None:
        self.to_gateway: asyncio.Queue[Any] = asyncio.Queue()
        self.from_gateway: asyncio.Queue[Any] = asyncio.Queue()
        self.reads = asyncio.Event()
        """Cleared while the camera's side reads nothing."""
        self.reads.set()
        self.taken = 0
        """Messages that the gateway has read."""
        self.serving: asyncio.Task[None] | None = None

    async def receive(self) -> Any:
        """See `Wire`."""
        message = await self.to_gateway.get()
        self.taken += 1
        if isinstance(message, InvalidRequest):
            raise message
        return message

    async def send(self, message: Welcome | Result | Credit) -> None:
        """See `Wire`."""
        await self.reads.wait()
        self.from_gateway.put_nowait(message)

    def say(self, *messages: Any) -> None:
        """Send messages; None: there are no more."""
        for message in messages:
            self.to_gateway.put_nowait(message)

    async def welcome(self) -> Welcome:
        """The answer to the hello. Raises what ended the stream."""
        message = await self._next()
        assert isinstance(message, Welcome)
        return message

    async def results(self, count: int) -> list[Result]:
        """So many results, in the order in which they came. Raises what ended the stream."""
        found: list[Result] = []
        while len(found) < count:
            message = await self._next()
            if isinstance(message, Result):
                found.append(message)
        return found

    async def settle(self, messages: Sequence[SentFrame | SentGap], *, credit: int = TERMS.credit) -> list[Result]:
        """Send messages as credits allow; gives their results."""
        found: list[Result] = []
        for message in messages:
            if isinstance(message, SentFrame):
                while credit == 0:
                    credit += self._taken(await self._next(), found)
                credit -= 1
            self.say(message)
        while len(found) < len(messages):
            self._taken(await self._next(), found)
        return found

    async def end(self) -> None:
        """Wait until the stream has ended. Raises what ended it."""
        assert self.serving is not None
        async with asyncio.timeout(WAIT_S):
            await asyncio.shield(self.serving)

    async def cut(self) -> None:
        """The connection breaks."""
        assert self.serving is not None
        self.serving.cancel()
        await asyncio.gather(self.serving, return_exceptions=True)

    @staticmethod
    def _taken(message: Any, found: list[Result]) -> int:
        if isinstance(message, Result):
            found.append(message)
        return message.frames if isinstance(message, Credit) else 0

    async def _next(self) -> Any:
        assert self.serving is not None
        coming = asyncio.ensure_future(self.from_gateway.get())
        either: set[asyncio.Future[Any]] = {coming, self.serving}
        await asyncio.wait(either, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        if coming.done():
            return coming.result()
        coming.cancel()
        assert self.serving.done(), "the gateway says nothing"
        self.serving.result()
        raise AssertionError("the stream ended without an error")


@dataclass
class StreamBench:
    """A desk over the fakes of an inspector's bench."""

    bench: Bench
    terms: StreamTerms = TERMS
    observer: CountingStreamObserver = field(default_factory=CountingStreamObserver)
    caller: Caller = ANYONE
    refusal: FlawgateError | None = None
    """Raised to whoever asks for the key while it is set."""

    def __post_init__(self) -> None:
        self.book = StreamBook(self.bench.database, sinks=("mes",), written=lambda: None)
        self.desk = StreamDesk(self.bench.inspector, self.bench.recipes, self.book, self.observer, self.terms)

    def with_terms(self, **changes: Any) -> "StreamBench":
        """The same bench under other terms."""
        return replace(self, terms=replace(self.terms, **changes))

    async def admit(self) -> Caller:
        """Whoever calls."""
        if self.refusal is not None:
            raise self.refusal
        return self.caller

    @asynccontextmanager
    async def connected(self, said: Hello | None = None) -> AsyncIterator[CameraSide]:
        """A connection; with a hello, which is then welcomed. Broken off at the end of the block."""
        side = CameraSide()
        side.serving = asyncio.ensure_future(self.desk.serve(side, self.admit))
        try:
            if said is not None:
                side.say(said)
                await side.welcome()
            yield side
        finally:
            await side.cut()

    async def facts(self, stream_id: object) -> StreamFacts:
        """What is on record of a stream."""
        return await read_stream(self.bench.database, str(stream_id))

    async def streams(self) -> list[str]:
        """Ids of all streams on record."""
        async with self.bench.database.reading() as connection:
            return list(await connection.scalars(select(camera_streams.c.stream_id)))

"""One connection of a stream between its welcome and its end: frames in, results out, in order and within bounds."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from flawgate_contracts.errors import FlawgateError, InvalidRequest
from flawgate_gateway.core import Arrival
from flawgate_gateway.stream.digests import Digest
from flawgate_gateway.stream.messages import Credit, Hello, Result, SentFrame, SentGap, Wire
from flawgate_gateway.stream.numbering import Numbering
from flawgate_gateway.stream.room import Room
from flawgate_gateway.stream.settling import Settler

MAX_UNSENT = 16
"""Results that wait to be sent beyond those of the credits: of gaps, which need none."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A number that is being settled."""

    settling: "asyncio.Task[Result]"
    needs_credit: bool


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more comes."""

    error: Exception | None
    """Why; None: the other side has no more."""


class Exchange:
    """Reads one side and answers the other.

    Numbers are settled side by side, as many as there are credits, and answered in the order in which they came. Where
    the other side does not read, results wait, no credit is given, and after a bounded number of them nothing is read.
    """

    def __init__(
        self, wire: Wire, settler: Settler, room: Room, *, first: int, credit: int, before: str | None = None
    ) -> None:
        """A connection that was welcomed.

        Args:
            wire: the other side.
            settler: of its stream.
            room: for the frames of all streams.
            first: number that comes first.
            credit: frames on their way at once.
            before: SHA-256 of the frame before the first, hexadecimal; None where that is not on record.
        """
        self._wire = wire
        self._settler = settler
        self._room = room
        self._numbering = Numbering(first=first, credit=credit)
        self._begun: asyncio.Queue[_Begun | _End] = asyncio.Queue(credit + MAX_UNSENT)
        self._last_digest: Digest | None = None if before is None else Digest(before)
        self._settling: set[asyncio.Task[Result]] = set()

    async def run(self, stopped: "asyncio.Future[FlawgateError]") -> None:
        """Until the other side has no more, or an error ends it.

        Args:
            stopped: resolved with an error when nothing more is to be read; what was begun is answered before.

        Raises:
            FlawgateError: the stream ended with it; all before it was answered.
        """
        reading = asyncio.ensure_future(self._read(stopped))
        try:
            await self._write()
        finally:
            left = [reading, *self._settling]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _read(self, stopped: "asyncio.Future[FlawgateError]") -> None:
        error: Exception | None = None
        try:
            while (message := await self._next(stopped)) is not None:
                await self._begun.put(self._begin(message))
        except Exception as err:  # noqa: BLE001  # whatever it is, it is raised after all results before it
            error = err
        await self._begun.put(_End(error))

    async def _next(self, stopped: "asyncio.Future[FlawgateError]") -> Hello | SentFrame | SentGap | None:
        """The next message; raises what `stopped` says as soon as it says it."""
        receiving = asyncio.ensure_future(self._received())
        try:
            either: set[asyncio.Future[Any]] = {receiving, stopped}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                raise stopped.result()
            return receiving.result()
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _received(self) -> Hello | SentFrame | SentGap | None:
        await self._room.free()
        return await self._wire.receive()

    def _begin(self, message: Hello | SentFrame | SentGap) -> _Begun:
        if isinstance(message, Hello):
            raise InvalidRequest("A second hello came; send one at the beginning, and another stream on its own call.")
        if isinstance(message, SentGap):
            self._numbering.gap(message.first_sequence, message.last_sequence)
            return _Begun(self._started(self._settler.gap(message)), needs_credit=False)
        self._numbering.frame(message.sequence)
        before, self._last_digest = self._last_digest, Digest()
        settling = self._held(message, Arrival.now(), before, self._last_digest)
        return _Begun(self._started(settling), needs_credit=True)

    async def _held(self, sent: SentFrame, arrival: Arrival, before: Digest | None, own: Digest) -> Result:
        with self._room.holding(sent.size):
            return await self._settler.frame(sent, arrival, before, own)

    def _started(self, settling: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        task = asyncio.ensure_future(settling)
        self._settling.add(task)
        task.add_done_callback(self._settled)
        return task

    def _settled(self, task: "asyncio.Task[Result]") -> None:
        self._settling.discard(task)
        if not task.cancelled():
            task.exception()  # one after the stream's end is asked for by nobody

    async def _write(self) -> None:
        while not isinstance(begun := await self._begun.get(), _End):
            await self._wire.send(await begun.settling)
            if begun.needs_credit and (granted := self._numbering.answered()):
                await self._wire.send(Credit(granted))
        if begun.error is not None:
            raise begun.error

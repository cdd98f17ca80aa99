"""One call of `InspectStream`, from hello to its end."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import grpc

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate_camera.delivery.base import Delivery, Item
from flawgate_camera.frames import CapturedFrame, DropCause, Gap
from flawgate_camera.stream import messages
from flawgate_camera.stream.facts import OnResult, Outcome, Timing, Who
from flawgate_camera.stream.window import InFlight
from flawgate_contracts.errors import InternalError, Unavailable

MOST_DEADLINE_MS = 600_000

Call = grpc.aio.StreamStreamCall[pb2.InspectStreamRequest, pb2.InspectStreamResponse]


class Session:
    """Sends what a delivery gives, and settles what the gateway answers. Used once."""

    def __init__(
        self,
        call: Call,
        who: Who,
        delivery: Delivery,
        *,
        timing: Timing,
        on_result: OnResult,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A session that has not begun.

        Args:
            call: a fresh one.
            who: whose frames they are.
            delivery: gives them.
            timing: how long one waits.
            on_result: told of each answer, in order.
            clock: what frames' `acquired` was read from.
        """
        self._call, self._who, self._delivery = call, who, delivery
        self._timing, self._on_result, self._clock = timing, on_result, clock
        self._in_flight = InFlight()
        self._max_frame_bytes = 0
        self._recorded = 0
        self._heard = clock()
        self.answers = 0
        """So many items were answered."""
        self.recipe_fault = ""
        """Why the gateway cannot inspect frames of the recipe, as its welcome said; empty where it can."""

    async def greet(self) -> None:
        """Say hello, and begin at the first number that has no answer.

        Raises:
            grpc.aio.AioRpcError: the gateway cannot be reached, or says no.
            FlawgateError: it does not answer in time, or not as it must.
        """
        first = self._delivery.first_unsettled()
        try:
            async with asyncio.timeout(self._timing.connect_s):
                await self._call.write(
                    messages.hello(self._who, str(self._delivery.stream_id), self._delivery.policy, first)
                )
                response = await self._read()
        except TimeoutError as err:
            raise Unavailable(f"The gateway did not answer within {self._timing.connect_s:g} s; is it there?") from err
        if response.WhichOneof("message") != "welcome" or not response.welcome.credits:
            raise InternalError(
                "The gateway did not begin with a welcome that grants a credit; does it fit this agent?"
            )
        self._recorded, self._max_frame_bytes = response.welcome.recorded, response.welcome.max_frame_bytes
        self.recipe_fault = response.welcome.recipe_fault
        self._in_flight.grant(response.welcome.credits)
        self._delivery.rewind(self._recorded)

    async def run(self) -> None:
        """Send and settle until the call ends, which is always an error; or until cancelled.

        Raises:
            grpc.aio.AioRpcError: the call ended.
            FlawgateError: the gateway is silent for too long, or does not answer as it must.
        """
        self._heard = self._clock()
        tasks = [asyncio.ensure_future(work()) for work in (self._send, self._receive, self._watch)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._delivery.rewind(self._recorded)
        ends = [task for task in tasks if task in done]
        # Where the call ends, reading says why; writing says only that it has.
        for task in sorted(ends, key=lambda task: task is tasks[0]):
            task.result()

    async def _send(self) -> None:
        while True:
            await self._in_flight.room()
            item = self._fitting(await self._delivery.take())
            message = self._message(item)
            self._heard = self._heard if len(self._in_flight) else self._clock()
            self._in_flight.sent(item)
            try:
                await self._call.write(message)
            except asyncio.InvalidStateError:
                await asyncio.Event().wait()  # the call has ended: `_receive` hears why

    async def _receive(self) -> None:
        while True:
            response = await self._read()
            self._heard = self._clock()
            match response.WhichOneof("message"):
                case "credit":
                    self._in_flight.grant(response.credit.frames)
                case "result":
                    self._settle(response.result)
                case _:
                    raise InternalError("The gateway said what this agent does not know; update the agent.")

    async def _watch(self) -> None:
        """Give up a call whose other end is silent while frames are on their way."""
        while True:
            await asyncio.sleep(self._timing.answer_s / 4)
            if len(self._in_flight) and self._clock() - self._heard > self._timing.answer_s:
                raise Unavailable(f"The gateway has not answered for {self._timing.answer_s:g} s; connecting anew.")

    async def _read(self) -> pb2.InspectStreamResponse:
        response: Any = await self._call.read()
        if response is grpc.aio.EOF:
            raise Unavailable("The gateway ended the stream; connecting anew.")
        answer: pb2.InspectStreamResponse = response
        return answer

    def _message(self, item: Item) -> pb2.InspectStreamRequest:
        return messages.of_gap(item) if isinstance(item, Gap) else messages.of_frame(item, self._deadline_ms(item))

    def _fitting(self, item: Item) -> Item:
        """The item, or a gap for a frame that is longer than the gateway takes: it would end every stream."""
        if isinstance(item, Gap) or not self._max_frame_bytes or len(item.data) <= self._max_frame_bytes:
            return item
        return Gap(item.sequence, item.sequence, DropCause.REFUSED, item.acquired_at, item.acquired_at)

    def _deadline_ms(self, frame: CapturedFrame) -> int | None:
        """What the budget of `latest` leaves; nothing is said of a frame that is on record, and needs no more work."""
        budget_s = self._delivery.budget_s
        if budget_s is None or frame.acquired is None or frame.sequence <= self._recorded:
            return None
        left_ms = round((budget_s - (self._clock() - frame.acquired)) * 1000)
        return min(max(1, left_ms), MOST_DEADLINE_MS)

    def _settle(self, result: pb2.StreamResult) -> None:
        item = self._in_flight.answered(result.sequence)
        if item is None or result.WhichOneof("outcome") is None:
            raise InternalError(
                f"The gateway answered number {result.sequence}, which is not the next; connecting anew."
            )
        outcome = self._outcome(item, result)
        self._delivery.settle(result.sequence)
        self.answers += 1
        self._on_result(outcome)

    def _outcome(self, item: Item, result: pb2.StreamResult) -> Outcome:
        age_s = self._age_s(item)
        budget_s = self._delivery.budget_s
        kind = result.WhichOneof("outcome")
        refusal = messages.to_refusal(result.error) if kind == "error" else None
        gap = messages.to_gap(result.gap) if kind == "gap" else None
        return Outcome(
            sequence=result.sequence,
            inspection=result.inspection if kind == "inspection" else None,
            refusal=refusal,
            gap=gap,
            dropped=refusal.cause if refusal else _dropped(item, gap),
            replayed=result.replayed,
            age_s=age_s,
            late=budget_s is not None and age_s is not None and age_s > budget_s,
        )

    def _age_s(self, item: Item) -> float | None:
        if isinstance(item, Gap) or item.acquired is None:
            return None
        return self._clock() - item.acquired


def _dropped(item: Item, gap: Gap | None) -> DropCause | None:
    """Why one frame counts as dropped by the answer to it; None: it does not, or its delivery has counted it."""
    if isinstance(item, Gap):
        return item.cause if item.cause is DropCause.REFUSED else None
    return gap.cause if gap is not None else None  # the gateway dropped it before the connection broke

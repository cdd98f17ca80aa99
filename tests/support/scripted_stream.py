"""A gateway for tests of who streams to one: real gRPC, a memory of what is on record, and faults by script."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.grpc_errors import GRPC_CODES, STATUS_DETAILS_KEY, to_status

LOOPBACK = "127.0.0.1"
SERVICE = "flawgate.inspection.v1.InspectionService"

Response = pb2.InspectStreamResponse


@dataclass
class ScriptedStream:
    """What it knows outlives its connections, and its servers.

    Attributes:
        credits: granted with the welcome; one more with each answered frame.
        max_frame_bytes: said in the welcome.
        recipe_fault: said in the welcome.
        answer_s: so long an answer takes, in seconds.
        refusals: errors with which the next calls end at their hello.
        ends: number of a frame → errors with which calls end there, one a call.
        answers_per_call: after so many answers a call ends well; None for ever.
        altered: changes an answer before it is sent.
        records: number → SHA-256 of the frame, or the cause of its gap.
        written: how often each number was put on record.
        replayed: how often each number was answered from the records.
        frames: numbers of the frames that came, in the order in which they came.
        gaps: the gaps that came, in the order in which they came.
        deadlines: number → milliseconds.
        hellos: that came.
        keys: values of `authorization` that came.
        callers: values of `traceparent` that came.
        faults: what a camera must never do.
    """

    credits: int = 4
    max_frame_bytes: int = 0
    recipe_fault: str = ""
    answer_s: float = 0.0
    refusals: list[FlawgateError] = field(default_factory=list)
    ends: dict[int, list[FlawgateError]] = field(default_factory=dict)
    answers_per_call: int | None = None
    altered: Callable[[Response], Response] = lambda response: response
    records: dict[int, str] = field(default_factory=dict)
    written: Counter[int] = field(default_factory=Counter)
    replayed: Counter[int] = field(default_factory=Counter)
    frames: list[int] = field(default_factory=list)
    gaps: list[pb2.StreamGap] = field(default_factory=list)
    deadlines: dict[int, int] = field(default_factory=dict)
    hellos: list[pb2.StreamHello] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def inspect_stream(
        self, request_iterator: AsyncIterable[pb2.InspectStreamRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Response]:
        """One call."""
        shown = [(key, str(value)) for key, value in context.invocation_metadata() or ()]
        self.keys += [value for key, value in shown if key == "authorization"]
        self.callers += [value for key, value in shown if key == "traceparent"]
        requests = aiter(request_iterator)
        first = await anext(requests)
        self.hellos.append(first.hello)
        if self.refusals:
            await _abort(context, self.refusals.pop(0))
        yield pb2.InspectStreamResponse(
            welcome=pb2.StreamWelcome(
                recorded=max(self.records, default=0),
                credits=self.credits,
                max_frame_bytes=self.max_frame_bytes,
                recipe_fault=self.recipe_fault,
            )
        )
        following, answers = first.hello.next_sequence, 0
        async for request in requests:
            following = self._check_order(request, following)
            if request.WhichOneof("message") == "frame":
                await asyncio.sleep(self.answer_s)
                if self.ends.get(request.frame.sequence):
                    await _abort(context, self.ends[request.frame.sequence].pop(0))
            yield self.altered(pb2.InspectStreamResponse(result=self._settled(request)))
            answers += 1
            if answers == self.answers_per_call:
                return
            if request.WhichOneof("message") == "frame":
                yield pb2.InspectStreamResponse(credit=pb2.StreamCredit(frames=1))

    def _check_order(self, request: pb2.InspectStreamRequest, following: int) -> int:
        first, last = _range(request)
        if first != following:
            self.faults.append(f"{first} came where {following} was the next")
        return last + 1

    def _settled(self, request: pb2.InspectStreamRequest) -> pb2.StreamResult:
        first, last = _range(request)
        new = [number for number in range(first, last + 1) if number not in self.records]
        (self.written if new else self.replayed).update(new or range(first, last + 1))
        if request.WhichOneof("message") == "gap":
            self.gaps.append(request.gap)
            self.records.update(dict.fromkeys(new, pb2.DropCause.Name(request.gap.cause).removeprefix("DROP_CAUSE_")))
            return pb2.StreamResult(sequence=last, gap=request.gap, replayed=not new)
        return self._frame(request.frame, is_new=bool(new))

    def _frame(self, frame: pb2.StreamFrame, *, is_new: bool) -> pb2.StreamResult:
        self.frames.append(frame.sequence)
        if frame.HasField("deadline_ms"):
            self.deadlines[frame.sequence] = frame.deadline_ms
        digest = hashlib.sha256(frame.encoded or frame.raw.data).hexdigest()
        known = self.records.setdefault(frame.sequence, digest)
        if known != digest and len(known) == len(digest):
            self.faults.append(f"another frame came under number {frame.sequence}")
        said = pb2.Inspection(evaluation=types_pb2.EVALUATION_OK, frame=pb2.FrameFacts(sha256=known))
        return pb2.StreamResult(sequence=frame.sequence, inspection=said, replayed=not is_new)


@asynccontextmanager
async def serving(
    gateway: ScriptedStream, *, port: int = 0, credentials: grpc.ServerCredentials | None = None
) -> AsyncIterator[str]:
    """The gateway on a port for the length of the block; gives `host:port`."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler = grpc.stream_stream_rpc_method_handler(
        gateway.inspect_stream,
        request_deserializer=pb2.InspectStreamRequest.FromString,
        response_serializer=Response.SerializeToString,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"InspectStream": handler})])
    address = f"{LOOPBACK}:{port}"
    taken = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    await server.start()
    try:
        yield f"{LOOPBACK}:{taken}"
    finally:
        await server.stop(None)


def _range(request: pb2.InspectStreamRequest) -> tuple[int, int]:
    if request.WhichOneof("message") == "gap":
        return request.gap.first_sequence, request.gap.last_sequence
    return request.frame.sequence, request.frame.sequence


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: FlawgateError) -> None:
    details = ((STATUS_DETAILS_KEY, to_status(error).SerializeToString()),)
    await context.abort(GRPC_CODES[type(error)], error.message, details)

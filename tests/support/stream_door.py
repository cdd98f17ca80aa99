"""The camera's side of a stream at the gateway's gRPC door: it does what a test tells it, right or wrong."""

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from flawgate.inspection.v1 import inspection_pb2 as pb
from support.grpc_door import DoorCaller, Metadata, refusal
from support.pictures import spot_png

TIMEOUT_S = 20.0
TAKEN = datetime(2026, 11, 20, 10, 15, 2, tzinfo=UTC)


def moment(at: datetime = TAKEN) -> Timestamp:
    """As proto."""
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def hello(stream_id: str | None = None, **changes: Any) -> pb.StreamHello:
    """Of the camera `top` at station S4, whose frames recipe `spot` inspects."""
    said: dict[str, Any] = {
        "stream_id": stream_id or str(uuid4()),
        "identity": pb.Identity(station="S4", camera="top", line="L2"),
        "recipe": "spot",
        "delivery": pb.DELIVERY_POLICY_LOSSLESS,
        "next_sequence": 1,
    }
    return pb.StreamHello(**{**said, **changes})


def frame(sequence: int, picture: bytes | None = None, **fields: Any) -> pb.StreamFrame:
    """A frame; a bad part, unless told otherwise."""
    said: dict[str, Any] = {"encoded": picture or spot_png(255), "acquired_at": moment()}
    return pb.StreamFrame(sequence=sequence, **{**said, **fields})


def gap(first: int, last: int, cause: Any = pb.DROP_CAUSE_SUPERSEDED) -> pb.StreamGap:
    """Frames that were dropped."""
    return pb.StreamGap(first_sequence=first, last_sequence=last, cause=cause, since=moment(), until=moment())


class StreamCaller:
    """One connection of a stream."""

    def __init__(self, door: DoorCaller, metadata: Metadata = ()) -> None:
        self._sent: queue.SimpleQueue[pb.InspectStreamRequest | None] = queue.SimpleQueue()
        self._call: Any = door.stub.InspectStream(
            iter(self._sent.get, None), timeout=TIMEOUT_S, metadata=tuple(metadata)
        )
        self.credits = 0
        """Frames that may be sent yet."""

    def send(self, *messages: pb.StreamHello | pb.StreamFrame | pb.StreamGap) -> None:
        """Send messages, whether there are credits for them or not."""
        names = {pb.StreamHello: "hello", pb.StreamFrame: "frame", pb.StreamGap: "gap"}
        for message in messages:
            self.credits -= isinstance(message, pb.StreamFrame)
            self._sent.put(pb.InspectStreamRequest(**{names[type(message)]: message}))  # type: ignore[arg-type]

    def open(self, said: pb.StreamHello | None = None) -> pb.StreamWelcome:
        """Say hello; gives the welcome. Raises the gateway's `FlawgateError`."""
        self.send(said or hello())
        welcome = self._next().welcome
        self.credits = welcome.credits
        return welcome

    def result(self) -> pb.StreamResult:
        """The next result. Raises the gateway's `FlawgateError`."""
        while True:
            response = self._next()
            if response.WhichOneof("message") == "result":
                return response.result
            self.credits += response.credit.frames

    def settle(self, frames: Sequence[pb.StreamFrame | pb.StreamGap]) -> list[pb.StreamResult]:
        """Send frames and gaps as credits allow; gives their results."""
        results: list[pb.StreamResult] = []
        for each in frames:
            while isinstance(each, pb.StreamFrame) and self.credits == 0:
                self._take(results)
            self.send(each)
        while len(results) < len(frames):
            self._take(results)
        return results

    def _take(self, results: list[pb.StreamResult]) -> None:
        response = self._next()
        if response.WhichOneof("message") == "result":
            results.append(response.result)
        self.credits += response.credit.frames

    def finish(self) -> None:
        """Send no more, and wait for the end. Raises the gateway's `FlawgateError`."""
        self._sent.put(None)
        rest = list(self._responses())
        assert all(response.WhichOneof("message") == "credit" for response in rest)

    def cut(self) -> None:
        """Break the connection off."""
        self._call.cancel()
        self._sent.put(None)

    def _next(self) -> pb.InspectStreamResponse:
        for response in self._responses():
            return response
        raise AssertionError("the stream ended without an error")

    def _responses(self) -> Iterator[pb.InspectStreamResponse]:
        try:
            yield from self._call
        except grpc.RpcError as err:
            raise refusal(err) from err


@contextmanager
def streaming(door: DoorCaller, metadata: Metadata = ()) -> Iterator[StreamCaller]:
    """A stream, broken off at the end of the block where it still goes on."""
    caller = StreamCaller(door, metadata)
    try:
        yield caller
    finally:
        caller.cut()

"""Frames, gaps and answers as the messages of the proto."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate_camera.delivery.base import Policy
from flawgate_camera.frames import CapturedFrame, DropCause, Gap
from flawgate_camera.stream.facts import Refusal, Who

_POLICIES = {
    Policy.LOSSLESS: pb2.DELIVERY_POLICY_LOSSLESS,
    Policy.LATEST: pb2.DELIVERY_POLICY_LATEST,
    Policy.EVERY: pb2.DELIVERY_POLICY_EVERY,
}
_PREFIX = "DROP_CAUSE_"


def hello(who: Who, stream_id: str, policy: Policy, next_sequence: int) -> pb2.InspectStreamRequest:
    """The first message of a stream."""
    identity = pb2.Identity(plant=who.plant, line=who.line, station=who.station, camera=who.camera)
    said = pb2.StreamHello(
        stream_id=stream_id,
        identity=identity,
        recipe=who.recipe,
        delivery=_POLICIES[policy],
        next_sequence=next_sequence,
    )
    return pb2.InspectStreamRequest(hello=said)


def of_frame(frame: CapturedFrame, deadline_ms: int | None) -> pb2.InspectStreamRequest:
    """A frame.

    Args:
        frame: numbered and encoded.
        deadline_ms: answer within so many milliseconds, or not at all; None for the gateway's own bound.
    """
    said = pb2.StreamFrame(
        sequence=frame.sequence,
        acquired_at=_timestamp(frame.acquired_at),
        trigger_id=frame.trigger.id,
        part=frame.trigger.part,
        lot=frame.trigger.lot,
        work_order=frame.trigger.work_order,
        deadline_ms=deadline_ms,
    )
    if frame.layout is None:
        said.encoded = frame.data
    else:
        layout = frame.layout
        said.raw.CopyFrom(
            pb2.RawFrame(data=frame.data, width=layout.width, height=layout.height, channels=layout.channels)
        )
    if frame.decided is not None:
        said.decided.ParseFromString(frame.decided)
    return pb2.InspectStreamRequest(frame=said)


def of_gap(gap: Gap) -> pb2.InspectStreamRequest:
    """A gap."""
    said = pb2.StreamGap(
        first_sequence=gap.first,
        last_sequence=gap.last,
        cause=pb2.DropCause.Value(_PREFIX + gap.cause),
        since=_timestamp(gap.since),
        until=_timestamp(gap.until),
    )
    return pb2.InspectStreamRequest(gap=said)


def to_gap(said: pb2.StreamGap) -> Gap:
    """A gap, as the gateway has it on record."""
    since, until = (moment.ToDatetime(tzinfo=UTC) for moment in (said.since, said.until))
    return Gap(said.first_sequence, said.last_sequence, _cause(said.cause), since, until)


def to_refusal(said: pb2.StreamError) -> Refusal:
    """Why a frame was not inspected."""
    return Refusal(said.reason, said.message, _cause(said.cause))


def _cause(said: pb2.DropCause.ValueType) -> DropCause:
    """FAILED for a cause that this version does not know."""
    known = {pb2.DropCause.Value(_PREFIX + cause): cause for cause in DropCause}
    return known.get(said, DropCause.FAILED)


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp

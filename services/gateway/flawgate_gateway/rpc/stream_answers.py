"""What the gateway says to a camera's side, as proto."""

from dataclasses import asdict
from functools import singledispatch
from typing import Any

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_gateway.answer import DropCause, Gap, Inspection
from flawgate_gateway.rpc.answers import inspection_message, moment_message
from flawgate_gateway.stream.messages import Credit, NotInspected, Result, SentGap, Welcome


def response_of(message: Welcome | Result | Credit) -> pb.InspectStreamResponse:
    """A message to the camera's side."""
    match message:
        case Welcome():
            return pb.InspectStreamResponse(welcome=pb.StreamWelcome(**asdict(message)))
        case Credit(frames):
            return pb.InspectStreamResponse(credit=pb.StreamCredit(frames=frames))
        case Result():
            outcome = _outcome(message.outcome)
            result = pb.StreamResult(sequence=message.sequence, replayed=message.replayed, **outcome)
            return pb.InspectStreamResponse(result=result)


@singledispatch
def _outcome(outcome: Any) -> dict[str, Any]:
    """The field of a result, by its name."""
    raise TypeError(type(outcome))


@_outcome.register
def _(outcome: Inspection) -> dict[str, Any]:
    return {"inspection": inspection_message(outcome)}


@_outcome.register
def _(outcome: NotInspected) -> dict[str, Any]:
    error = pb.StreamError(reason=outcome.reason, message=outcome.message, cause=_cause(outcome.cause))
    return {"error": error}


@_outcome.register
def _(outcome: SentGap) -> dict[str, Any]:
    return {"gap": _gap(outcome, outcome.first_sequence, outcome.last_sequence)}


@_outcome.register
def _(outcome: Gap) -> dict[str, Any]:
    return {"gap": _gap(outcome, outcome.first, outcome.last)}


def _gap(gap: SentGap | Gap, first: int, last: int) -> pb.StreamGap:
    return pb.StreamGap(
        first_sequence=first,
        last_sequence=last,
        cause=_cause(gap.cause),
        since=moment_message(gap.since),
        until=moment_message(gap.until),
    )


def _cause(cause: DropCause) -> Any:
    return pb.DropCause.Value(f"DROP_CAUSE_{cause}")

"""What the two sides of a stream say to each other, in no protocol's words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from flawgate_contracts.recipe import Name
from flawgate_gateway.answer import Capture, DropCause, Gap, Inspection
from flawgate_gateway.frames import CameraStream, Delivery, Frame, Identity, InspectionOrder, Moment, PlantId

MAX_SEQUENCE = 2**53 - 1
"""Highest number of a frame: the highest that every reader of JSON reads exactly."""

Number = Annotated[int, Field(ge=1, le=MAX_SEQUENCE)]


class Hello(Identity):
    """Whose frames come, and from which number on."""

    stream_id: UUID
    station: PlantId
    camera: PlantId
    recipe: Name
    delivery: Delivery
    next_sequence: Number

    def stream(self, caller: str) -> CameraStream:
        """The stream that it opens.

        Args:
            caller: id of the key that came with it.
        """
        identity = Identity.model_validate(self.model_dump(include=set(Identity.model_fields)))
        return CameraStream(str(self.stream_id), caller, identity, self.recipe, self.delivery)


@dataclass(frozen=True, slots=True)
class FrameContent:
    """What is in the message of a frame, beside its number."""

    frame: Frame
    order: InspectionOrder
    trigger_id: str | None
    decided: Inspection | None
    """What the camera's side has decided by itself; None: it is to be inspected."""

    def capture(self, stream: CameraStream, sequence: int) -> Capture:
        """Where the frame stands."""
        return Capture(stream_id=stream.stream_id, sequence=sequence, trigger_id=self.trigger_id)


@dataclass(frozen=True, slots=True)
class SentFrame:
    """The message of a frame, of which only the number was read."""

    sequence: int
    size: int
    """Of the whole message, in bytes."""
    read: Callable[[CameraStream], FrameContent]
    """Gives the rest, what the hello said filled in; raises `InvalidRequest` where that is not as it must be."""


class SentGap(BaseModel):
    """Frames that were dropped before they could be sent, or that the gateway drops itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_sequence: Number
    last_sequence: Number
    cause: DropCause
    since: Moment
    until: Moment

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_sequence < self.first_sequence:
            raise PydanticCustomError("gap", "`last_sequence` of a gap lies before its `first_sequence`")
        return self


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to a hello."""

    recorded: int
    """Highest number on record; 0 where none is."""
    credits: int
    max_frame_bytes: int
    recipe_fault: str = ""
    """Why no frame of its recipe can be inspected now; empty where nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Credit:
    """So many frames more."""

    frames: int


@dataclass(frozen=True, slots=True)
class NotInspected:
    """Why a frame has no inspection and gets none; a gap is on record."""

    reason: str
    message: str
    cause: DropCause


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a frame, or of a gap."""

    sequence: int
    """Of the frame, or the last one of the gap."""
    outcome: Inspection | Gap | SentGap | NotInspected
    replayed: bool = False
    """Whether it was on record before it came this time."""


class Wire(Protocol):
    """The other side of a stream."""

    async def receive(self) -> Hello | SentFrame | SentGap | None:
        """The next message; None where the other side has no more. Raises `InvalidRequest`."""
        ...

    async def send(self, message: Welcome | Result | Credit) -> None:
        """Say something; waits as long as the other side does not read."""
        ...

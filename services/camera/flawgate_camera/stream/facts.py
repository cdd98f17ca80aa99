"""What a stream is told, what it tells, and its times."""

from collections.abc import Callable
from dataclasses import dataclass

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate_camera.frames import DropCause, Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose frames they are; each 1 to 128 characters."""

    station: str
    camera: str
    recipe: str
    plant: str | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a frame was not inspected, in the gateway's words.

    Attributes:
        reason: UPPER_SNAKE.
        message: one sentence.
        cause: why the frame counts as dropped.
    """

    reason: str
    message: str
    cause: DropCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a frame or gap: exactly one of `inspection`, `refusal` and `gap` is there.

    Attributes:
        sequence: of the frame, or the last one of the gap.
        inspection: as it is on record.
        refusal: the frame was not inspected and never will be.
        gap: it is on record.
        dropped: why one frame counts as dropped from now on; None: it does not, or was counted by its delivery.
        replayed: it was on record before it was sent this time.
        age_s: from the capture to the answer, in seconds; None for a gap, and for a frame of an earlier process.
        late: the answer is older than the budget of `latest`: nothing may be done because of it.
    """

    sequence: int
    inspection: pb2.Inspection | None = None
    refusal: Refusal | None = None
    gap: Gap | None = None
    dropped: DropCause | None = None
    replayed: bool = False
    age_s: float | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class StreamState:
    """How a stream fares.

    Attributes:
        connected: the gateway has greeted it, and it has not ended since.
        reason: why it is not connected, UPPER_SNAKE; None where it is, or was not tried yet.
        message: the same, as one sentence for a person.
    """

    connected: bool = False
    reason: str | None = None
    message: str | None = None


OnResult = Callable[[Outcome], None]
OnState = Callable[[StreamState], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times of a stream, in seconds.

    Attributes:
        connect_s: longest wait for the gateway's greeting.
        answer_s: longest wait for an answer while frames are on their way; then the connection is given up.
        retry_s: longest wait before the second try; doubles with each further one, and chance takes a part of it.
        retry_max_s: longest wait before any try.
        refused_s: about so long one waits after an error that another try will hardly mend, e.g. an unknown recipe.
        keepalive_s: a silent connection is tried after so long.
    """

    connect_s: float = 10.0
    answer_s: float = 60.0
    retry_s: float = 1.0
    retry_max_s: float = 30.0
    refused_s: float = 60.0
    keepalive_s: float = 30.0

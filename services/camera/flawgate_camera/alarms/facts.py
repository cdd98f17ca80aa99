"""What an alarm is told, and what it tells."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2

_PREFIX = "EVALUATION_"


class AlarmCause(StrEnum):
    """Why an alarm is on."""

    RESULTS = "results"
    """So many of the last results were bad."""
    SILENCE = "silence"
    """No part was found good or bad for too long."""
    CAMERA_DOWN = "camera_down"
    """The camera gives no usable pictures."""
    GATEWAY_LOST = "gateway_lost"
    """Nobody judges the pictures."""
    STOPPING = "stopping"
    """The camera is being stopped: nobody looks any more."""
    AGENT_LOST = "agent_lost"
    """The agent died; a broker says so in its name."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a frame.

    Attributes:
        evaluation: OK, NOT_OK or NOT_DECIDABLE, which stands for a frame that nobody inspected too.
        age_s: from the picture to its result, in seconds; None where the picture is older than this process.
        sequence: of the frame.
        inspection_id: of its record; empty where there is none.
        part: that lay before the camera; empty where nobody said.
        reason: UPPER_SNAKE.
    """

    evaluation: str
    age_s: float | None
    sequence: int = 0
    inspection_id: str = ""
    part: str = ""
    reason: str = ""

    @classmethod
    def of(cls, inspection: pb.Inspection, sequence: int, age_s: float | None) -> "Judged":
        """From a record, as a stream gives it or the agent itself made it."""
        return cls(
            types_pb2.Evaluation.Name(inspection.evaluation).removeprefix(_PREFIX),
            age_s,
            sequence,
            inspection.inspection_id,
            inspection.identity.part,
            inspection.reason,
        )

    @classmethod
    def uninspected(cls, sequence: int, reason: str, age_s: float | None) -> "Judged":
        """A frame that the gateway refused, or could not judge: it is not good."""
        return cls("NOT_DECIDABLE", age_s, sequence, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Whose alarm it is."""

    camera: str
    station: str
    alarm: str


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A state of an alarm; each change makes a new one.

    Attributes:
        source: whose it is.
        on: whether something is wrong.
        causes: why it is on, in order of their names; empty where it is off.
        since: of the change, UTC.
        last: the result that came last before the change, where one came.
    """

    source: Source
    on: bool
    causes: tuple[AlarmCause, ...]
    since: datetime
    last: Judged | None = None

    @classmethod
    def now(cls, source: Source, causes: Collection[AlarmCause], last: Judged | None = None) -> "Signal":
        """One that begins at this moment: on where there are causes."""
        return cls(source, bool(causes), tuple(sorted(causes)), datetime.now(UTC), last)

    @property
    def state(self) -> str:
        """`on` or `off`."""
        return "on" if self.on else "off"

    def told(self) -> dict[str, Any]:
        """As plain data; `result` is null where none came yet."""
        last = self.last
        return {
            "camera": self.source.camera,
            "station": self.source.station,
            "alarm": self.source.alarm,
            "state": self.state,
            "causes": [cause.value for cause in self.causes],
            "since": self.since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "result": last
            and {
                "evaluation": last.evaluation,
                "reason": last.reason,
                "sequence": last.sequence,
                "inspection_id": last.inspection_id or None,
                "part": last.part or None,
            },
        }


class AlarmObserver(Protocol):
    """Counts what alarms do; called in the event loop."""

    def alarm(self, alarm: str, *, on: bool) -> None:
        """It changed to this state."""
        ...

    def acted(self, alarm: str, *, done: bool) -> None:
        """A try to do what an alarm does succeeded, or failed."""
        ...

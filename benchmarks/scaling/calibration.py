"""What a measured cluster is to the simulator: what a lonely frame takes, and what work costs beside other frames."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal, Self, get_args

ServiceName = Literal["client", "gateway", "preprocessing", "decision", "triton"]
SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)
"""Whose processor time is counted; `client` is the sender, which runs on the same cores."""

Stage = Literal["door", "preprocess", "decide", "infer"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""Parts of a frame's time that add up to it: outside of all calls (sender and gateway), the call of preprocessing, that
of decision but for Triton's part, and that part."""

WORKERS: Mapping[Stage, Sequence[ServiceName]] = {
    "door": ("client", "gateway"),
    "preprocess": ("preprocessing",),
    "decide": ("decision",),
    "infer": ("triton",),
}
"""Stage → who works in it."""


@dataclass(frozen=True, slots=True)
class StageCost:
    """Of one second of a stage's time: how much is work, on how many cores, and how much nobody works."""

    work: float
    threads: float
    delay: float

    @classmethod
    def of(cls, work_s: float, wall_s: float) -> Self:
        """Split a stage's time.

        Args:
            work_s: core-seconds a frame, on average; where that is more than the time, several cores worked at once.
            wall_s: seconds a frame, on average; what is more than the work went by on networks, disks and waking up.
        """
        return cls(work_s / wall_s, max(1.0, work_s / wall_s), max(0.0, 1.0 - work_s / wall_s))


@dataclass(frozen=True, slots=True)
class Calibration:
    """One machine with one recipe."""

    cores: float
    """Cores that are left to the cluster and its sender."""
    threads: int
    """Frames that preprocessing works on at once."""
    instances: int
    """Of the heaviest model."""
    walls_s: Sequence[Mapping[Stage, float]]
    """Of frames that were alone in the cluster: stage → seconds."""
    work_s: Mapping[ServiceName, float]
    """Service → core-seconds a frame, of the same frames."""
    prices: Sequence[float] = (1.0,)
    """What a core-second of that work costs, in core-seconds, with one frame in the cluster (1), two, three and so on;
    with more, the last. It holds what shared caches add and what cores that never sleep save (`pricing.py`)."""
    capacity: float = 0.0
    """Frames a second that were answered with as many at once as there are prices; 0 until it is measured."""

    @property
    def sender_share(self) -> float:
        """Of the work at the door: what the sender does of it, 0 to 1."""
        return self.work_s["client"] / (self.work_s["client"] + self.work_s["gateway"])

    def costs(self) -> dict[Stage, StageCost]:
        """Of each stage."""
        return {
            stage: StageCost.of(
                sum(self.work_s[service] for service in WORKERS[stage]), fmean(walls[stage] for walls in self.walls_s)
            )
            for stage in STAGES
        }

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The other way round."""
        return cls(**document)

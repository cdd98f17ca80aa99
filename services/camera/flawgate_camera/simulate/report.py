"""What a simulated line came to, as numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from flawgate_camera.simulate.ledger import Ledger
from flawgate_camera.simulate.line import SimulatedCamera
from flawgate_camera.simulate.stock import Truth

Confusion = Counter[tuple[Truth, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """One camera.

    Attributes:
        camera: its name.
        stream_id: names its stream at the gateway; None where it never came so far.
        frames: taken for inspection.
        missed: parts of which no picture was taken, since the camera waited.
        results: frames that have an inspection on record.
        dropped: cause → frames.
        unsettled: frames that have no answer yet.
        on_time_share: of the frames, answered within the deadline, 0 to 1; None where there was no frame.
        age_p50_s: from capture to answer, in seconds; half of the results came within that. None without a result.
        age_p95_s: as above, 95 %.
        age_p99_s: as above, 99 %.
        late: results that came after the budget of `latest`.
        replayed: results that were on record before their frame was sent the last time.
        reconnects: how often the stream was opened again.
        faults: what must never be; empty where all is well.
    """

    camera: str
    stream_id: str | None
    frames: int
    missed: int
    results: int
    dropped: dict[str, int]
    unsettled: int
    on_time_share: float | None
    age_p50_s: float | None
    age_p95_s: float | None
    age_p99_s: float | None
    late: int
    replayed: int
    reconnects: int
    faults: tuple[str, ...]

    @property
    def adds_up(self) -> bool:
        """Whether frames = results + dropped, each with the answer that is its own."""
        return not self.faults


def report(camera: SimulatedCamera, deadline_s: float) -> CameraReport:
    """What a camera came to.

    Args:
        camera: one that has ended.
        deadline_s: an answer that came so many seconds after the capture, or sooner, is on time.
    """
    ledger = camera.ledger
    ages_s = np.frombuffer(ledger.ages_s) if ledger.ages_s else np.empty(0)
    p50, p95, p99 = (round(float(age), 4) for age in np.percentile(ages_s, (50, 95, 99))) if len(ages_s) else [None] * 3
    on_time = int((ages_s <= deadline_s).sum())
    return CameraReport(
        camera=ledger.camera,
        stream_id=None if camera.stream_id is None else str(camera.stream_id),
        frames=ledger.frames,
        missed=camera.source.missed,
        results=ledger.results,
        dropped={cause.value: frames for cause, frames in sorted(ledger.drops.items()) if frames},
        unsettled=ledger.frames - ledger.settled,
        on_time_share=round(on_time / ledger.frames, 4) if ledger.frames else None,
        age_p50_s=p50,
        age_p95_s=p95,
        age_p99_s=p99,
        late=ledger.late,
        replayed=ledger.replayed,
        reconnects=max(0, ledger.connections - 1),
        faults=faults_of(ledger),
    )


def faults_of(ledger: Ledger) -> tuple[str, ...]:
    """What must never be, each as a sentence without its end."""
    dropped = ledger.drops.total()
    told = [
        (ledger.frames - ledger.settled, "have no answer yet"),
        (ledger.disordered, "were answered out of their order"),
        (ledger.foreign, "were answered with another picture's inspection"),
        (abs(ledger.settled - ledger.results - dropped), "are counted as neither inspected nor dropped, or as both"),
    ]
    return tuple(f"{frames} of {ledger.frames} frames {what}" for frames, what in told if frames)


def confusion(cameras: Sequence[SimulatedCamera]) -> Confusion:
    """(What the part is, evaluation) → frames, of all cameras together."""
    return sum((camera.ledger.confusion for camera in cameras), Counter())


def as_json(reports: Sequence[CameraReport], matrix: Confusion, facts: dict[str, Any]) -> dict[str, Any]:
    """For programs: `cameras`, `confusion` (truth → evaluation → frames), and the other facts."""
    truths = sorted({truth for truth, _ in matrix})
    table = {truth: {said: frames for (each, said), frames in matrix.items() if each is truth} for truth in truths}
    return {"cameras": [asdict(each) for each in reports], "confusion": table, **facts}

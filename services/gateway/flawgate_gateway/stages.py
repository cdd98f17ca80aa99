"""How long the stages of an inspection take: measured for all, and a span in the traces that are kept."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flawgate_contracts.tracing import client_span, span
from flawgate_gateway.answer import Inspection
from flawgate_gateway.ports import Stage, StageObserver

CALLS: tuple[Stage, ...] = ("preprocess", "decide")
"""Stages in which another service is called."""


@dataclass(slots=True)
class Timing:
    """How long a stage took."""

    seconds: float = 0.0
    """0 until it has ended."""


@contextmanager
def timed(observer: StageObserver, stage: Stage) -> Iterator[Timing]:
    """Measure the block as a stage, and tell the observer, whether it ends well or not."""
    timing, started = Timing(), time.perf_counter()
    try:
        with client_span(stage) if stage in CALLS else span(stage):
            yield timing
    finally:
        timing.seconds = time.perf_counter() - started
        observer.stage(stage, timing.seconds)


def facts(inspection: Inspection) -> dict[str, str | float]:
    """What a span tells of an inspection."""
    told: dict[str, str | float] = {
        "inspection_id": inspection.inspection_id,
        "evaluation": inspection.evaluation,
        "reason": inspection.reason,
    }
    return told if inspection.score is None else {**told, "score": inspection.score}

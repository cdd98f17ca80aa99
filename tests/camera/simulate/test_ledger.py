import hashlib
from typing import Any

import pytest
from support.captured import MOMENT

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate.inspection.v1 import types_pb2
from flawgate_camera.frames import CapturedFrame, DropCause, Gap, Trigger
from flawgate_camera.simulate.ledger import NOT_INSPECTED, Ledger
from flawgate_camera.simulate.report import faults_of
from flawgate_camera.simulate.stock import Truth
from flawgate_camera.stream.facts import Outcome, Refusal, StreamState

DEFECTIVE = (2, 4)


def ledger_of(frames: int) -> Ledger:
    """A camera that has given so many frames; 2 and 4 are of defective parts."""
    ledger = Ledger("cam1")
    for number in range(1, frames + 1):
        ledger.shown(f"part{number}", Truth.DEFECTIVE if number in DEFECTIVE else Truth.GOOD)
        ledger.captured()
        ledger.numbered(CapturedFrame(number, _data(number), None, MOMENT, 0.0, Trigger(id=f"part{number}")))
    return ledger


def _data(number: int) -> bytes:
    return b"frame %d" % number


def inspected(number: int, *, of: int | None = None, **fields: Any) -> Outcome:
    """The frame is OK; `of`: the number of the frame whose picture is on record."""
    facts = pb2.FrameFacts(sha256=hashlib.sha256(_data(of or number)).hexdigest())
    said = pb2.Inspection(evaluation=types_pb2.EVALUATION_OK, frame=facts)
    return Outcome(sequence=number, inspection=said, age_s=0.5, **fields)


def test_every_frame_is_counted_once_by_what_came_of_it() -> None:
    """An inspection, a refusal, a gap of two: four frames, one result, three dropped."""
    ledger = ledger_of(4)
    ledger.answered(inspected(1))
    ledger.answered(Outcome(sequence=2, refusal=Refusal("X", "x", DropCause.FAILED), dropped=DropCause.FAILED))
    ledger.dropped(DropCause.SUPERSEDED, 2)
    ledger.answered(Outcome(sequence=4, gap=Gap(3, 4, DropCause.SUPERSEDED, MOMENT, MOMENT)))
    assert (ledger.frames, ledger.results, ledger.settled) == (4, 1, 4)
    assert ledger.drops == {DropCause.FAILED: 1, DropCause.SUPERSEDED: 2}
    assert ledger.confusion == {
        (Truth.GOOD, "OK"): 1,
        (Truth.DEFECTIVE, NOT_INSPECTED): 2,
        (Truth.GOOD, NOT_INSPECTED): 1,
    }
    assert faults_of(ledger) == ()


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([], "2 of 2 frames have no answer yet"),
        ([inspected(1), inspected(1), inspected(2)], "1 of 2 frames were answered out of their order"),
        ([inspected(2)], "1 of 2 frames were answered out of their order"),
        ([inspected(1), inspected(2, of=1)], "1 of 2 frames were answered with another picture's inspection"),
        (
            [inspected(1), Outcome(sequence=2, gap=Gap(2, 2, DropCause.STALE, MOMENT, MOMENT))],
            "1 of 2 frames are counted as neither inspected nor dropped, or as both",
        ),
    ],
)
def test_what_must_never_be_is_found(outcomes: list[Outcome], said: str) -> None:
    """Lost, doubled, skipped and exchanged answers, and a drop that nobody counted."""
    ledger = ledger_of(2)
    for outcome in outcomes:
        ledger.answered(outcome)
    assert said in faults_of(ledger)


def test_replays_and_late_answers_are_counted() -> None:
    """They are results all the same."""
    ledger = ledger_of(2)
    ledger.answered(inspected(1, replayed=True))
    ledger.answered(inspected(2, late=True))
    assert (ledger.results, ledger.replayed, ledger.late) == (2, 1, 1)


def test_connections_are_counted_once_each() -> None:
    """A lost connection is none."""
    ledger = Ledger("cam1")
    for up in (True, False, True):
        ledger.stream_changed(StreamState(connected=up))
    assert (ledger.connections, ledger.state.connected) == (2, True)


def test_a_long_run_holds_no_frame_that_is_answered() -> None:
    """Only its age stays, eight bytes."""
    ledger = ledger_of(1000)
    for number in range(1, 1001):
        ledger.answered(inspected(number))
    assert (len(ledger._open), len(ledger._parts), ledger.ages_s.itemsize) == (0, 0, 8)

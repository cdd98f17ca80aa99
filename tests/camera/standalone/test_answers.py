"""The answers of one camera, whoever gave them."""

from dataclasses import replace

from support.pictures import spot_png
from support.standalone import captured

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.frames import DropCause
from flawgate_camera.standalone.answers import Answers
from flawgate_camera.standalone.messages import SERVICE_VERSION
from flawgate_camera.stream.facts import Outcome, Refusal

OWN = pb.Inspection(service_version=SERVICE_VERSION)
THEIRS = pb.Inspection(service_version="0.1.0")


def answers(told: list[Outcome], *, budget_s: float | None = None) -> Answers:
    """At second 100."""
    return Answers(told.append, lambda: None, budget_s=budget_s, clock=lambda: 100.0)


def test_an_own_answer_is_told_at_once_and_not_again_from_the_record() -> None:
    """A lamp would else go on a second time, when the gateway is back; what the gateway judged is told, of course."""
    told: list[Outcome] = []
    both = answers(told)
    both.decided(captured(spot_png(0)), OWN)
    both.answered(Outcome(sequence=1, inspection=OWN))
    both.answered(Outcome(sequence=2, inspection=THEIRS))
    assert [(outcome.sequence, outcome.inspection) for outcome in told] == [(1, OWN), (2, THEIRS)]


def test_a_drop_is_told() -> None:
    """Also of a frame that was decided here: the gateway refused its record."""
    told: list[Outcome] = []
    outcome = Outcome(sequence=1, refusal=Refusal("INVALID_PARAMETER", "No.", DropCause.REFUSED))
    answers(told).answered(outcome)
    assert told == [outcome]


def test_an_own_answer_has_its_age() -> None:
    """Seconds since the capture; too old by the budget of `latest`, it may not be acted upon."""
    told: list[Outcome] = []
    frame = replace(captured(spot_png(0)), acquired=97.5)
    for budget_s in (None, 3.0, 2.0):
        answers(told, budget_s=budget_s).decided(frame, OWN)
    assert [(outcome.age_s, outcome.late) for outcome in told] == [(2.5, False), (2.5, False), (2.5, True)]

import pytest
from support.alarms import SetClock, an_alarm, judged

from flawgate_camera.alarms.facts import AlarmCause
from flawgate_camera.alarms.rule import Rule

RESULTS, SILENCE = AlarmCause.RESULTS, AlarmCause.SILENCE
CAMERA, GATEWAY, STOPPING = AlarmCause.CAMERA_DOWN, AlarmCause.GATEWAY_LOST, AlarmCause.STOPPING
GOOD, BAD, UNKNOWN = "OK", "NOT_OK", "NOT_DECIDABLE"
BUTTON = {"kind": "button", "pin": 27}


class Line:
    """A rule, with a clock that is set."""

    def __init__(self, **alarm: object) -> None:
        self.clock = SetClock()
        self.rule = Rule(an_alarm(**alarm), self.clock())
        self.rule.look((), self.clock())

    def comes(self, *evaluations: str, age_s: float | None = 0.1) -> list[bool]:
        """Results come, a second apart; whether the alarm is on after each."""
        return [self._one(evaluation, age_s) for evaluation in evaluations]

    def causes(self, *lost: AlarmCause, after_s: float = 0.0) -> set[AlarmCause]:
        """The causes after so long, while that is missing."""
        return set(self.rule.look(lost, self.clock.passes(after_s)))

    def _one(self, evaluation: str, age_s: float | None) -> bool:
        self.rule.judge(judged(evaluation, age_s), self.clock.passes(1))
        return bool(self.causes())


@pytest.mark.parametrize(
    ("alarm", "results", "on"),
    [
        ({}, [BAD, GOOD, BAD], [True, False, True]),
        ({"n": 2, "of": 2}, [BAD, GOOD, BAD, BAD, GOOD], [False, False, False, True, False]),
        ({"n": 2, "of": 3}, [BAD, GOOD, BAD], [False, False, True]),
        ({"n": 2, "of": 3}, [BAD, GOOD, GOOD, BAD], [False, False, False, False]),
        ({"n": 3, "of": 3}, [BAD, BAD, UNKNOWN, BAD], [False, False, False, False]),
        ({"reset": {"kind": "good", "parts": 2}}, [BAD, GOOD, BAD, GOOD, GOOD], [True, True, True, True, False]),
        ({"reset": {"kind": "good", "parts": 2}}, [BAD, GOOD, UNKNOWN, GOOD], [True, True, True, True]),
        ({"on": ["NOT_OK", "NOT_DECIDABLE"], "n": 2, "of": 2}, [UNKNOWN, BAD], [False, True]),
        ({"on": "NOT_DECIDABLE"}, [BAD, UNKNOWN, BAD, GOOD], [False, True, True, False]),
    ],
)
def test_it_comes_on_with_n_of_m_and_ends_with_good_ones_in_a_row(
    alarm: dict[str, object], results: list[str], on: list[bool]
) -> None:
    """The rule is debounced by n of m, and what is not decidable never counts as good."""
    assert Line(**alarm).comes(*results) == on


def test_bad_results_of_before_a_reset_do_not_count_again() -> None:
    """After an alarm has ended, n of m begins anew."""
    line = Line(n=2, of=5)
    assert line.comes(BAD, BAD, GOOD, BAD, BAD) == [False, True, False, False, True]


@pytest.mark.parametrize("age_s", [10.5, None])
def test_a_result_that_is_too_old_changes_nothing(age_s: float | None) -> None:
    """A part that passed long ago, while a spool was full, neither sets an alarm off nor ends one nor a silence."""
    line = Line(max_age_s=10, silence_s=5)
    assert line.comes(BAD, age_s=age_s) == [False]
    assert line.comes(BAD) == [True]
    assert line.comes(GOOD, age_s=age_s) == [True]
    assert line.causes(after_s=4.5) == {RESULTS, SILENCE}


def test_silence_sets_it_off_and_the_next_decided_result_ends_it() -> None:
    """Without OK or NOT_OK for silence_s it is on; NOT_DECIDABLE is no sign of life."""
    line = Line(silence_s=3)
    assert line.causes(after_s=2.9) == set()
    assert line.comes(GOOD, UNKNOWN, UNKNOWN, UNKNOWN) == [False, False, False, True]
    assert line.causes() == {SILENCE}
    assert line.comes(GOOD) == [False]


def test_silence_can_be_switched_off() -> None:
    """A line that is triggered part by part may pause for as long as it likes."""
    assert Line(silence_s=0).causes(after_s=1e6) == set()


@pytest.mark.parametrize("cause", [CAMERA, GATEWAY])
def test_a_loss_is_borne_for_a_while_and_ends_by_itself(cause: AlarmCause) -> None:
    """Camera or gateway may be away for lost_after_s, and no silence counts meanwhile or right afterwards."""
    line = Line(lost_after_s=2, silence_s=3)
    assert line.causes(cause, after_s=1.9) == set()
    assert line.causes(cause, after_s=0.2) == {cause}
    assert line.causes(cause, after_s=100) == {cause}
    assert line.causes(after_s=2) == set()
    assert line.causes(after_s=3) == {SILENCE}


@pytest.mark.parametrize("lost", [[CAMERA], [GATEWAY], [CAMERA, GATEWAY]])
def test_it_begins_in_the_safe_state(lost: list[AlarmCause]) -> None:
    """Until camera and gateway were seen once it is on at once, whatever is borne later."""
    clock = SetClock()
    rule = Rule(an_alarm(lost_after_s=3600), clock())
    assert rule.look(lost, clock()) == set(lost)
    assert rule.look((), clock.passes(0.1)) == set()


def test_by_hand_it_ends_only_by_hand_and_only_when_its_cause_is_over() -> None:
    """With a button every cause stays, and a press while the cause lasts does not help."""
    line = Line(reset=BUTTON, silence_s=3)
    assert line.comes(BAD, GOOD, GOOD) == [True, True, True]
    line.rule.reset()
    assert line.causes() == set()
    assert line.causes(CAMERA) == {CAMERA}
    line.rule.reset()
    assert line.causes(CAMERA) == {CAMERA}
    assert line.causes() == {CAMERA}
    line.rule.reset()
    assert line.causes() == set()


def test_who_stops_stays_on() -> None:
    """From `stop` on nothing ends it any more."""
    line = Line()
    line.rule.stop()
    line.rule.reset()
    assert line.comes(GOOD) == [True]
    assert line.causes() == {STOPPING}

import numpy as np
import pytest
from support.fake_judges import fake_run

from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.evaluation.thresholds import best_f1, chosen, passing


def test_the_widest_gap() -> None:
    """Where several thresholds part good from defective, the middle of the gap between them is taken."""
    assert best_f1(np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, True, False, False])) == 0.55


def test_the_highest_f1() -> None:
    """F1 is 2/3 with the first defect alone, 2/3 with one false alarm, 4/5 with both defects and one false alarm."""
    assert best_f1(np.array([0.9, 0.7, 0.6, 0.2]), np.array([True, False, True, False])) == 0.4


def test_everything_called_defective() -> None:
    """Where F1 is best with an alarm at every frame, the threshold is 0."""
    assert best_f1(np.array([0.9, 0.8, 0.7]), np.array([False, True, True])) == 0.0


def test_six_decimals() -> None:
    """Neighbouring scores of six decimals are still parted: the upper one is called defective, the lower one is not."""
    assert best_f1(np.array([0.900001, 0.9]), np.array([True, False])) == 0.900001


@pytest.mark.parametrize(("share", "passed"), [(0.5, 50), (0.9, 90), (0.99, 99)])
def test_good_frames_that_pass(share: float, passed: int) -> None:
    """At least the share asked for stays below the threshold, and no more than it takes."""
    good = np.round(np.linspace(0.01, 1, 100), 6)
    assert int((good < passing(good, share)).sum()) == passed


def test_no_threshold_above_one() -> None:
    """A threshold stays a score."""
    assert passing(np.array([1.0, 1.0]), 0.99) == 1.0


def prediction(score: float, *, defective: bool) -> Prediction:
    """One frame."""
    return Prediction(name="frame", defective=defective, score=score)


def test_an_anomaly_looks_at_good_frames_alone() -> None:
    """Its threshold lies right above the good frames, wherever the defective ones are."""
    frames = [prediction(0.1, defective=False), prediction(0.2, defective=False), prediction(0.05, defective=True)]
    assert chosen(fake_run("anomaly").experiment, frames) == 0.200001


def test_nothing_to_choose_by() -> None:
    """One kind of frame, or none for an anomaly, chooses nothing."""
    assert chosen(fake_run("cascade").experiment, [prediction(0.2, defective=False)]) is None
    assert chosen(fake_run("anomaly").experiment, [prediction(0.2, defective=True)]) is None

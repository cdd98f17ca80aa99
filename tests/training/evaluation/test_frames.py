import pytest

from flawgate_training.evaluation.frames import evaluate, intervals
from flawgate_training.evaluation.predictions import Prediction


def predictions(scores: list[tuple[float, bool]]) -> list[Prediction]:
    """Frames named by their place, each of a part of its own."""
    return [
        Prediction(name=f"frame{number}", group=f"part{number}", defective=defective, score=score)
        for number, (score, defective) in enumerate(scores)
    ]


MIXED = predictions([(0.99, True), (0.9, True), (0.5, True), (0.95, False), (0.1, False), (0.0, False)])


def test_counts_and_ratios() -> None:
    """At 0.9: two defects found, one missed, one false alarm, two passed; both wrong frames are named."""
    found = evaluate(MIXED, threshold=0.9)
    counts = (found.true_positives, found.false_negatives, found.false_positives, found.true_negatives)
    assert counts == (2, 1, 1, 2)
    assert (found.precision, found.recall, found.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert [(frame.name, frame.defective, frame.score) for frame in found.wrong] == [
        ("frame2", True, 0.5),
        ("frame3", False, 0.95),
    ]


def test_ranking() -> None:
    """Defects ranked 1st, 3rd and 4th of 6: AP = (1/1 + 2/3 + 3/4) / 3, AUROC = 7 of 9 pairs in order."""
    found = evaluate(predictions([(0.9, True), (0.8, False), (0.7, True), (0.6, True), (0.2, False), (0.1, False)]))
    assert found.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert found.auroc == pytest.approx(7 / 9)


def test_no_alarm_at_all() -> None:
    """Where nothing is called defective, precision, recall and F1 are 0, not an error."""
    found = evaluate(predictions([(0.2, True), (0.1, False)]))
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)


def test_a_threshold_for_each_frame() -> None:
    """Every fold may have its own threshold; the mean of them is told."""
    found = evaluate(predictions([(0.6, True), (0.6, False)]), threshold=[0.5, 0.7])
    assert (found.true_positives, found.true_negatives, found.threshold) == (1, 1, 0.6)


def test_intervals_hold_the_figures() -> None:
    """Each figure lies within its interval."""
    found = evaluate(MIXED * 5, threshold=0.9)
    bounds = intervals(MIXED * 5, threshold=0.9)
    for name in ("precision", "recall", "f1", "average_precision", "auroc"):
        interval = getattr(bounds, name)
        assert interval.low <= getattr(found, name) <= interval.high

import pytest

from flawgate_training.evaluation import Prediction, Report, evaluate


def predictions(scores: list[tuple[float, bool]]) -> list[Prediction]:
    """Frames named by their place."""
    return [Prediction(f"frame{number}", defective, score) for number, (score, defective) in enumerate(scores)]


def test_counts_and_ratios() -> None:
    """At 0.9: two defects found, one missed, one false alarm, two passed; both wrong frames are named."""
    found = evaluate(
        predictions([(0.99, True), (0.9, True), (0.5, True), (0.95, False), (0.1, False), (0.0, False)]), threshold=0.9
    )
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


def test_pools_the_folds() -> None:
    """A cross-validated report judges each fold and all frames together."""
    folds = [predictions([(0.99, True), (0.1, False)]), predictions([(0.5, True), (0.2, False), (0.3, False)])]
    report = Report.cross_validated("two folds", folds)
    assert [fold.frames for fold in report.folds] == [2, 3]
    assert (report.pooled.frames, report.pooled.true_positives, report.pooled.false_negatives) == (5, 1, 1)


def test_reports_survive_json() -> None:
    """A report read back from its JSON is the same report."""
    report = Report.cross_validated("one fold", [predictions([(0.99, True), (0.95, False)])])
    assert Report.model_validate_json(report.model_dump_json()) == report

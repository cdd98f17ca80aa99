import numpy as np
import pytest

from flawgate_training.evaluation.classes import class_figures
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.frames import evaluate, intervals
from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.report.verdict import keys, verdict


def of_scores(good: list[float], bad: list[float]) -> Report:
    """Judged at 0.9, every frame of a part of its own."""
    scored = [(score, False) for score in good] + [(score, True) for score in bad]
    frames = [
        Prediction(name=str(place), group=str(place), defective=defective, score=score)
        for place, (score, defective) in enumerate(scored)
    ]
    return Report(protocol="", pooled=evaluate(frames), intervals=intervals(frames))


def of_answers(truth: list[int], answers: list[int]) -> Report:
    """Frames of the classes a and b."""
    groups = [str(place) for place in range(len(truth))]
    return Report(protocol="", images=class_figures(np.array(truth), np.array(answers), groups, ("a", "b")))


@pytest.mark.parametrize(
    ("report", "tone", "headline"),
    [
        (
            of_scores([0.1] * 30, [0.95] * 10),
            "good",
            "10 of 10 defective frames found, no false alarm on 30 good ones.",
        ),
        (
            of_scores([0.1] * 29 + [0.95], [0.95] * 9 + [0.5]),
            "mixed",
            "9 of 10 defective frames found, 1 false alarm on 30 good ones.",
        ),
        (
            of_scores([0.1, 0.95, 0.99] * 5, [0.1, 0.95, 0.99] * 5),
            "poor",
            "10 of 15 defective frames found, 10 false alarms on 15 good ones.",
        ),
        (of_answers([0, 1] * 20, [0, 1] * 20), "good", "40 of 40 frames get their right class."),
        (of_answers([0, 1] * 20, [0, 1] * 19 + [0, 0]), "mixed", "39 of 40 frames get their right class."),
        (of_answers([0] * 30 + [1] * 10, [0] * 40), "poor", "30 of 40 frames get their right class."),
    ],
)
def test_in_plain_words(report: Report, tone: str, headline: str) -> None:
    """What was found and missed; poor where the frames do not show that looking is better than not looking."""
    found = verdict(report)
    assert (found.tone, found.headline) == (tone, headline)


def test_how_far_to_trust_it() -> None:
    """The exact intervals of 10 in 10 and 30 in 30."""
    detail = verdict(of_scores([0.1] * 30, [0.95] * 10)).detail.replace("\N{NO-BREAK SPACE}", " ")
    assert "finds 69.2 % to 100.0 % of such defects" in detail
    assert "on at most 11.6 % of good frames" in detail


def test_no_false_certainty() -> None:
    """Where all frames are ranked rightly, a bootstrap cannot tell how far AP may move, and none is shown."""
    notes = {key.label: key.note for key in keys(of_scores([0.1] * 30, [0.95] * 10))}
    assert notes["Average precision"] == "too few errors for an interval"


def test_accuracy_beside_its_baseline() -> None:
    """No accuracy stands alone."""
    (accuracy,) = (key for key in keys(of_answers([0, 0, 0, 1], [0, 0, 1, 1])) if key.label == "Accuracy")
    assert accuracy.note.endswith("always “a” 0.750")

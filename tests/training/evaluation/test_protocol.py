from typing import Any

import pytest
from support.fake_judges import fake_run

from flawgate_training.evaluation.predictions import Judged, Prediction
from flawgate_training.evaluation.protocol import protocol
from flawgate_training.experiment.schema import Experiment


def judged(data: dict[str, Any], *, validation: int = 0, threshold: float | str = 0.9, parts: int = 4) -> Judged:
    """Four frames of so many parts, two of them defective."""
    test = tuple(
        Prediction(name=str(place), group=str(place % parts), defective=place % 2 == 0, score=0.5) for place in range(4)
    )
    chosen_by = tuple(Prediction(name=f"v{place}", defective=False, score=0.5) for place in range(validation))
    plain = fake_run("cascade").experiment.model_dump() | {"data": data, "judging": {"threshold": threshold}}
    described = Experiment.model_validate(plain)
    return Judged(digest="", experiment=described, classes=("a", "b"), validation=chosen_by, test=test)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"kind": "texture"}, "4 generated (synthetic) frames, of seeds that training does not use."),
        ({"kind": "dagm", "split": {"shipped": True}}, "The 4 test frames that the data set ships as such."),
        (
            {"kind": "kolektor_sdd", "split": {"folds": 3, "fold": 1, "seed": 5}},
            "4 frames of fold 1 of 3, split by part (seed 5).",
        ),
        ({"kind": "dagm"}, "4 frames, drawn at random (seed 0); none of their parts was trained on."),
    ],
)
def test_which_frames(data: dict[str, Any], expected: str) -> None:
    """Each kind of split is told in words."""
    assert protocol([judged(data)]).startswith(expected)


def test_frames_and_parts() -> None:
    """Where several frames show one part, both are counted."""
    assert protocol([judged({"kind": "dagm"}, parts=2)]).startswith("4 frames of 2 parts, drawn at random")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "Training ran to its end; the threshold 0.9 was set beforehand."),
        (
            {"validation": 7},
            "7 validation frames of other parts chose the epoch; the threshold 0.9 was set beforehand.",
        ),
        (
            {"validation": 7, "threshold": "validation"},
            "7 validation frames of other parts chose the epoch and the threshold.",
        ),
    ],
)
def test_what_was_chosen(settings: dict[str, Any], expected: str) -> None:
    """What chose the epoch and the threshold, if anything did."""
    assert protocol([judged({"kind": "dagm"}, **settings)]).endswith(expected)


@pytest.mark.parametrize(("count", "expected"), [(3, "3-fold cross-validation, split"), (2, "2 of 3 folds, split")])
def test_folds(count: int, expected: str) -> None:
    """A cross-validation is called one only when every fold is there."""
    data = [{"kind": "dagm", "split": {"folds": 3, "fold": fold}} for fold in range(count)]
    assert protocol([judged(each) for each in data]).startswith(expected)

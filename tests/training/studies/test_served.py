from pathlib import Path

import httpx
import pytest
from served import Fold, compare
from support.picture_folders import picture
from support.scripted_gateway import inspection, problem, scripted_gateway
from support.tiny_training import experiment

from flawgate_contracts.errors import ModelFailure
from flawgate_training.datasets.files import FileSource
from flawgate_training.datasets.items import Item
from flawgate_training.evaluation.predictions import Judged, Prediction

EVALUATED = {"good": (False, 0.1), "missed": (True, 0.4), "found": (True, 0.95), "alarm": (False, 0.9)}
"""By name: whether the frame is defective, and its evaluated score; NOT_OK from 0.9 upwards."""


@pytest.fixture
def fold(tmp_path: Path) -> Fold:
    """A judged run of four frames, two of them judged wrongly."""
    sources = {name: FileSource(tmp_path, picture(tmp_path / f"{name}.png").name) for name in EVALUATED}
    items = {name: Item(name, name, 0, EVALUATED[name][0], "", source) for name, source in sources.items()}
    test = tuple(Prediction(name=name, defective=bad, score=score) for name, (bad, score) in EVALUATED.items())
    judged = Judged(digest="", experiment=experiment("cascade"), classes=("good", "bad"), validation=(), test=test)
    return Fold(tmp_path / "fold0", judged, items)


@pytest.mark.parametrize(
    ("others", "served", "shift", "differing"),
    [
        ({}, (1, 1), 0.0, ()),
        ({"good": 0.2}, (1, 1), 0.1, ()),
        ({"good": 0.92}, (2, 1), 0.82, ("good",)),
        ({"found": 0.85}, (1, 2), 0.1, ("found",)),
    ],
)
def test_served_answers_are_held_against_the_evaluated_ones(
    tmp_path: Path,
    fold: Fold,
    others: dict[str, float],
    served: tuple[int, int],
    shift: float,
    differing: tuple[str, ...],
) -> None:
    """Each frame's own file is sent; errors are counted by both ways, and every other evaluation is named."""
    scores = [others.get(name, score) for name, (_, score) in EVALUATED.items()]
    answers = [inspection(score=score, evaluation="NOT_OK" if score >= 0.9 else "OK") for score in scores]
    with scripted_gateway(*answers) as gateway, httpx.Client(base_url=gateway.url, trust_env=False) as client:
        found = compare(fold, client)
        assert all(
            (tmp_path / f"{name}.png").read_bytes() in sent
            for name, sent in zip(EVALUATED, gateway.bodies, strict=True)
        )
    assert found.evaluated == {"false_positives": 1, "false_negatives": 1}
    assert found.served == {"false_positives": served[0], "false_negatives": served[1]}
    assert found.largest_shift == pytest.approx(shift)
    assert found.differing == differing


def test_a_frame_without_an_evaluation_is_named(fold: Fold) -> None:
    """An answer that is no inspection ends the comparison with the frame's name and the status."""
    refused = problem(404, "UNKNOWN_RECIPE", retryable=False)
    with (
        scripted_gateway(refused) as gateway,
        httpx.Client(base_url=gateway.url, trust_env=False) as client,
        pytest.raises(ModelFailure, match="good: the gateway answered 404"),
    ):
        compare(fold, client)

from pathlib import Path

import pytest

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.learning import curves
from flawgate_training.learning.curves import Epoch


def test_a_stage_replaces_its_own_epochs_alone(tmp_path: Path) -> None:
    """What one stage writes leaves the other's epochs as they are."""
    first = Epoch(epoch=1, loss=0.5, score=None, learning_rate=0.1, seconds=2.0, waited=0.0)
    second = first.model_copy(update={"epoch": 2, "score": 0.75})
    curves.write(tmp_path, "segmentation", [first])
    curves.write(tmp_path, "classification", [first])
    curves.write(tmp_path, "classification", [first, second])
    assert curves.read(tmp_path) == {"segmentation": (first,), "classification": (first, second)}


def test_no_run_no_curves(tmp_path: Path) -> None:
    """A folder without a run has no epochs."""
    assert curves.read(tmp_path) == {}


def test_damaged_curves_are_named(tmp_path: Path) -> None:
    """A file that holds something else is an error that says what to do."""
    (tmp_path / curves.CURVES).write_text("[1]")
    with pytest.raises(InvalidParameter, match=r"curves\.json holds no training curves; remove it"):
        curves.read(tmp_path)

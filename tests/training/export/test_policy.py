"""Exporting with a policy of one's own instead of the experiment's threshold."""

from pathlib import Path

import pytest
from support.publishing import published, run_of
from support.tiny_training import CLASSES

from flawgate_contracts.errors import FlawgateError, InvalidExperiment, InvalidParameter
from flawgate_contracts.recipe import AreaLimits, Policy
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_training.tasks.publishing import read_policy

AREAS = Policy(areas={"spot": AreaLimits(min_px=4000), "stripe": AreaLimits(max_px=200)})


def test_the_recipe_and_its_card_tell_the_policy(tmp_path: Path) -> None:
    """Limits to the areas of classes decide, at the parity gate too."""
    card = published(run_of("segmentation", CLASSES), tmp_path, policy=AREAS).card
    assert ModelRepository(tmp_path).recipe("tiny", 1).policy == AREAS
    assert {frame.onnx_evaluation for frame in card.parity.frames} == {"NOT_OK"}
    text = (tmp_path / "tiny/1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "leaves its limits: spot 4000 to any pixels; stripe 0 to 200 pixels." in text


def test_a_policy_for_other_classes_is_refused(tmp_path: Path) -> None:
    """The sentence names those that there are; nothing is written."""
    with pytest.raises(InvalidParameter, match=f"no class is named stripe; limit classes of {CLASSES[1]}"):
        published(run_of("segmentation"), tmp_path, policy=AREAS)
    assert list(ModelRepository(tmp_path).versions("tiny")) == []


@pytest.mark.parametrize("text", ["areas: {spot: {min_px: 4000}, stripe: {max_px: 200}}", AREAS.model_dump_json()])
def test_a_policy_is_read_as_yaml_or_json(tmp_path: Path, text: str) -> None:
    """What the gateway tells of a policy can be given back."""
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_policy(path) == AREAS


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("threshold: 3", InvalidParameter, "threshold: Input should be less than or equal to 1"),
        ("treshold: 0.3", InvalidParameter, "treshold: Extra inputs"),
        ("- 0.3", InvalidExperiment, "begin with `threshold: ...`"),
        ("threshold: [", InvalidExperiment, "is no YAML"),
    ],
)
def test_a_wrong_policy_is_named(tmp_path: Path, text: str, error: type[FlawgateError], sentence: str) -> None:
    """Before minutes of work."""
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=sentence):
        read_policy(path)

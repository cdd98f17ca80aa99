import json

import pytest
from support.tiny_repository import spot_recipe

from flawgate_contracts.errors import BrokenRecipe
from flawgate_contracts.recipe import QualityLimits, Recipe


def test_a_recipe_survives_json() -> None:
    """What the export writes is what the decision service reads."""
    recipe = spot_recipe().model_copy(update={"quality": QualityLimits(min_mean=0.2, refuse_repeats=True)})
    assert recipe == Recipe.from_json(recipe.model_dump_json(), source="test")


def test_the_threshold_is_the_papers_unless_told_otherwise() -> None:
    """Paper d, section 3.2: a score of 0.9 and more is a defect."""
    assert spot_recipe().policy.threshold == 0.9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{", "Invalid JSON"),
        ("[]", "object"),
        ({"name": "Not A Name"}, "name"),
        ({"kind": "magic"}, "kind"),
        ({"steps": [{"op": "sharpen"}]}, "steps"),
        ({"steps": [{"op": "resize", "height": 0, "width": 5}]}, "height"),
        ({"steps": [{"op": "resize", "height": 8, "width": 8}]}, "8×8"),
        ({"policy": {"threshold": 1.5}}, "threshold"),
        ({"surprise": 1}, "surprise"),
        ({"models": []}, "models"),
        ({"explained": True}, "only a classification is explained"),
        ({"quality": {"min_mean": 0.8, "max_mean": 0.2}}, "max_mean, 0.2, is below min_mean, 0.8"),
        ({"quality": {"max_dark_share": 1.5}}, "quality.max_dark_share"),
        ({"quality": {"min_focus": -1}}, "quality.min_focus"),
        ({"quality": {"min_men": 0.2}}, "quality.min_men"),
    ],
)
def test_a_broken_recipe_is_refused_and_the_fault_is_named(change: str | dict[str, object], said: str) -> None:
    """The sentence names the field and where the recipe stood."""
    text = change if isinstance(change, str) else _changed(change)
    with pytest.raises(BrokenRecipe) as caught:
        Recipe.from_json(text, source="model spot")
    assert said in caught.value.message
    assert "model spot" in caught.value.message


def _changed(change: dict[str, object]) -> str:
    return json.dumps({**spot_recipe().model_dump(mode="json"), **change})


def test_a_recipe_from_before_limits_no_picture() -> None:
    """Those that ship say nothing of quality, and go on taking any picture."""
    document = spot_recipe().model_dump_json(exclude={"quality"})
    assert Recipe.from_json(document, source="test").quality is None


def test_a_recipe_names_what_its_models_give() -> None:
    """An older classification, which says nothing of an explanation, has none; an explained one asks for it."""
    plain = spot_recipe().model_copy(update={"kind": "classification"})
    document = plain.model_dump(mode="json", exclude={"explained"})
    read = Recipe.from_json(json.dumps(document), source="test")
    explained = Recipe.from_json(json.dumps({**document, "explained": True}), source="test")
    assert (read.answers, [call.outputs for call in read.calls]) == (("probabilities",), [("probabilities",)])
    expected = ("probabilities", "explanation")
    assert (explained.answers, [call.outputs for call in explained.calls]) == (expected, [expected])

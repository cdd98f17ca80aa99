"""The reference of a recipe: bins that fit together, or none."""

from typing import Any

import pytest
from pydantic import ValidationError
from support.tiny_repository import spot_recipe

from flawgate_contracts.recipe import Recipe
from flawgate_contracts.reference import Distribution, Reference

EDGES = (0.0, 0.5, 1.0)


def test_a_recipe_carries_its_reference_through_json() -> None:
    """What export writes is what the gateway reads."""
    reference = Reference(frames=100, features={"score": Distribution(edges=EDGES, shares=(0.25, 0.75))})
    recipe = spot_recipe().model_copy(update={"reference": reference})
    assert Recipe.from_json(recipe.model_dump_json(), source="the test").reference == reference


def test_a_recipe_of_before_has_none_and_is_read() -> None:
    """Recipes that were exported without go on as they were."""
    told = spot_recipe().model_dump(mode="json")
    del told["reference"]
    assert Recipe.model_validate(told).reference is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"edges": (0.0, 1.0)}, "at least 3"),
        ({"edges": tuple(range(12)), "shares": (0.1,) * 11}, "at most"),
        ({"shares": (0.2, 0.3, 0.5)}, "3 bins have 4 edges, not 3"),
        ({"edges": (0.0, 0.0, 1.0)}, "must ascend"),
        ({"edges": (0.0, float("nan"), 1.0)}, "finite"),
        ({"shares": (0.5, 0.4)}, "sum is 0.9, not 1"),
        ({"shares": (1.5, -0.5)}, "less than or equal to 1"),
    ],
)
def test_bins_that_do_not_fit_together_are_refused(changes: dict[str, Any], sentence: str) -> None:
    """Each fault is named."""
    with pytest.raises(ValidationError, match=sentence):
        Distribution.model_validate({"edges": EDGES, "shares": (0.25, 0.75)} | changes)


@pytest.mark.parametrize("told", [{"frames": 0}, {"features": {}}, {"features": {"hue": {}}}])
def test_a_reference_of_nothing_is_refused(told: dict[str, Any]) -> None:
    """No frames, no features, or a feature that nobody measures."""
    known = {"frames": 9, "features": {"score": {"edges": EDGES, "shares": (0.25, 0.75)}}}
    assert Reference.model_validate(known).frames == 9
    with pytest.raises(ValidationError):
        Reference.model_validate(known | told)

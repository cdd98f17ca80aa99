"""How a recipe is shown to the outside."""

from typing import Literal

from pydantic import BaseModel, Field

from flawgate_contracts.recipe import ModelReference, Policy, Provenance, QualityLimits, TensorInput
from flawgate_gateway.ports import ListedRecipe


class RecipeFacts(BaseModel):
    """One recipe: whether it can be used, and what it is."""

    name: str
    state: Literal["READY", "UNAVAILABLE", "BROKEN"]
    detail: str = Field(description="Why it cannot be used; empty when it can.")
    version: str | None = None
    title: str | None = None
    kind: str | None = None
    input: TensorInput | None = None
    classes: tuple[str, ...] | None = None
    policy: Policy | None = None
    quality: QualityLimits | None = Field(
        default=None, description="How good a picture must be; worse ones are NOT_DECIDABLE. Null for no limits."
    )
    models: tuple[ModelReference, ...] | None = None
    provenance: Provenance | None = None


class RecipeList(BaseModel):
    """All recipes, sorted by name."""

    recipes: list[RecipeFacts]


def recipe_facts(listed: ListedRecipe) -> RecipeFacts:
    """What the outside may know of a recipe; all of it but the steps."""
    known = {} if listed.recipe is None else listed.recipe.model_dump(exclude={"name", "steps", "pixel_pitch_um"})
    return RecipeFacts.model_validate({**known, "name": listed.name, "state": listed.state, "detail": listed.detail})

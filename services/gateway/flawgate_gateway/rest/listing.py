"""How a recipe is shown to the outside."""

from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, Field

from flawgate_contracts.recipe import ModelReference, Policy, Provenance, QualityLimits, TensorInput
from flawgate_gateway.ports import ListedRecipe, RecipeState


class GoldenFacts(BaseModel):
    """What came of the last check of a recipe's golden frames: frames whose answers are known."""

    checked_at: datetime = Field(description="When it ended.")
    passed: int = Field(ge=0, description="Frames that were judged as they should be.")
    failed: int = Field(ge=0, description="Frames that were judged otherwise.")
    missing: int = Field(ge=0, description="Frames whose pictures were not at hand.")
    largest_difference: float = Field(ge=0, le=1, description="Largest difference of a score from the one expected.")


class RecipeFacts(BaseModel):
    """One recipe: whether it can be used, and what it is."""

    name: str
    state: RecipeState = Field(
        description="READY; UNTRUSTED: its models judge its golden frames otherwise than they must, so every frame is "
        "NOT_DECIDABLE until they do; UNAVAILABLE: its models do not answer; BROKEN: it cannot be read."
    )
    detail: str = Field(description="Why it cannot be used or trusted; empty when it can.")
    golden: GoldenFacts | None = Field(
        default=None, description="The last check of its golden frames; null where none could be checked."
    )
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
    golden = None if listed.golden is None else asdict(listed.golden)
    state = {"name": listed.name, "state": listed.state, "detail": listed.detail, "golden": golden}
    return RecipeFacts.model_validate({**known, **state})

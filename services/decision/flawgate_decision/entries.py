"""One recipe as it stands: read from the list of models, not yet tried."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from flawgate_contracts.errors import BrokenRecipe, FlawgateError, RecipeChanged, RecipeUnavailable
from flawgate_contracts.golden import GOLDEN_PARAMETER
from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe
from flawgate_inference.golden_checks import GoldenCheck
from flawgate_inference.model_server import ServedModel


class State(StrEnum):
    """Whether a recipe can be used."""

    READY = "READY"
    UNTRUSTED = "UNTRUSTED"
    """Its models answer, but not as they must: every frame is NOT_DECIDABLE."""
    UNAVAILABLE = "UNAVAILABLE"
    BROKEN = "BROKEN"


IN_USE = frozenset({State.READY, State.UNTRUSTED})


class Counts(NamedTuple):
    """Checks of a recipe's golden frames so far, of all its versions."""

    passed: int = 0
    failed: int = 0
    error: int = 0
    """A model gave no answer, so there was no verdict."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipe as it stands."""

    name: str
    state: State
    detail: str = ""
    """Why it cannot be used or trusted; empty when it can."""
    recipe: Recipe | None = None
    """As last read; None where it could not be read."""
    golden: str | None = None
    """Its golden frames as the model server tells them, JSON; None where it does not."""
    verified_at: float | None = None
    """Moment on the monotonic clock, in seconds, of the last try that came to a verdict."""
    loaded_at: float | None = None
    """When this version was taken up, in seconds since 1970; None while it is not in use."""
    check: GoldenCheck | None = None
    """The last one of this version that came to a verdict; None where it has no golden frames."""
    passed: bool | None = None
    """Whether its last golden check passed, an error counting as no; None where no frame was at hand."""
    counts: Counts = field(default_factory=Counts)

    @property
    def is_in_use(self) -> bool:
        """Whether frames are judged by it."""
        return self.state in IN_USE

    def is_of(self, other: "Entry") -> bool:
        """Whether it is the same version, with the same golden frames."""
        return (self.recipe, self.golden) == (other.recipe, other.golden)


def entries_of(served: Sequence[ServedModel]) -> list[Entry]:
    """The recipes among the models: those that can be tried are READY, the others say why they cannot.

    The parts of a recipe are named after it (`commutator_seg` of `commutator`): such a model is no recipe. A model that
    is not loaded may be one.
    """
    names = {model.name for model in served}

    def is_part(name: str) -> bool:
        return any(name.startswith(f"{other}_") for other in names)

    return [
        _entry(model, served)
        for model in served
        if RECIPE_PARAMETER in model.parameters or (not model.ready and not is_part(model.name))
    ]


def _entry(model: ServedModel, served: Sequence[ServedModel]) -> Entry:
    if not model.ready:
        return Entry(model.name, State.UNAVAILABLE, f"The model server has not loaded it: {_why(model, served)}.")
    try:
        recipe = Recipe.from_json(model.parameters[RECIPE_PARAMETER], source=f"the configuration of model {model.name}")
    except BrokenRecipe as error:
        return Entry(model.name, State.BROKEN, error.message)
    if recipe.name != model.name:
        return Entry(model.name, State.BROKEN, f"Model {model.name} carries a recipe named {recipe.name}.")
    recipe = recipe.model_copy(update={"version": model.version})
    return Entry(model.name, State.READY, recipe=recipe, golden=model.parameters.get(GOLDEN_PARAMETER))


def _why(model: ServedModel, served: Sequence[ServedModel]) -> str:
    """Why a recipe is not loaded. Triton says so of its parts only, and nothing at all of one that is not there."""
    parts = [other for other in served if other.name.startswith(f"{model.name}_")]
    failed = [f"{part.name}: {part.detail.rstrip('. ')}" for part in parts if not part.ready]
    if failed:
        return "; ".join(failed)
    if parts and not model.detail:
        there = ", ".join(part.name for part in parts)
        return f"a model that it needs is missing from the repository, of its models only {there} is there"
    return model.detail.rstrip(". ") or "the model server's log says why"


def refusal(entry: Entry) -> FlawgateError:
    """Why a recipe that is not in use cannot be used."""
    facts = {"recipe": entry.name}
    if entry.state is State.BROKEN:
        return BrokenRecipe(f"Recipe {entry.name} is broken. {entry.detail}", facts)
    return RecipeUnavailable(f"Recipe {entry.name} cannot be used now. {entry.detail}", facts)


def same_version(recipe: Recipe, version: str) -> Recipe:
    """The recipe, if it is of that version.

    Raises:
        RecipeChanged: it is not.
    """
    if recipe.version != version:
        raise RecipeChanged(
            f"Recipe {recipe.name} is at version {recipe.version}, the tensor was made for version {version}; "
            "pre-process the frame again.",
            {"recipe": recipe.name, "version": recipe.version},
        )
    return recipe

"""Watches every inspection for drift: a window for each recipe, published every few seconds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from flawgate_contracts.recipe import Recipe
from flawgate_contracts.reference import Feature, Reference
from flawgate_gateway.answer import Inspection
from flawgate_gateway.drift.window import Window
from flawgate_gateway.ports import ListedRecipe

PUBLISHED_EVERY_S = 5.0
"""So often a recipe's indices are computed, in seconds: a scrape sees none that is much older."""


class DriftBoard(Protocol):
    """Where drift is shown."""

    def show(self, recipe: str, frames: int, psi: Mapping[Feature, float]) -> None:
        """A recipe's window holds so many frames, and these are its indices; no other feature has one."""
        ...

    def forget(self, recipe: str) -> None:
        """Nothing is known of a recipe any more."""
        ...


class DriftWatch:
    """Is told of every inspection, and shows how far its recipe's frames are from the recipe's reference.

    Args:
        known: gives the recipe of a name as it was last listed, at once; None where there is none.
        board: where it is shown.
        every_s: seconds between two times that a recipe is shown.
    """

    def __init__(
        self, known: Callable[[str], Recipe | None], board: DriftBoard, *, every_s: float = PUBLISHED_EVERY_S
    ) -> None:
        self._known = known
        self._board = board
        self._every_s = every_s
        self._watched: dict[str, _Watched] = {}

    def seen(self, inspection: Inspection) -> None:
        """Count an inspection; one by another version of its recipe than the one listed says nothing."""
        recipe = self._known(inspection.recipe)
        if recipe is None or recipe.reference is None or recipe.version != inspection.recipe_version:
            return
        values = _values(inspection)
        if values:
            watched = self._watch(recipe.name, recipe.version, recipe.reference)
            watched.window.add(values)
            self._show(recipe.name, watched)

    def listed(self, recipes: Sequence[ListedRecipe]) -> None:
        """Forget what is no more so: a recipe that is gone, or of which another version or reference is listed now."""
        known = {each.name: each.recipe for each in recipes}
        goes_on = {name for name, watched in self._watched.items() if name in known and watched.may_go_on(known[name])}
        for name in self._watched.keys() - goes_on:
            del self._watched[name]
            self._board.forget(name)

    def _watch(self, name: str, version: str, reference: Reference) -> "_Watched":
        """The window of a recipe: a new one where its version or its reference is another than before."""
        watched = self._watched.get(name)
        if watched is None or (watched.version, watched.window.reference) != (version, reference):
            watched = self._watched[name] = _Watched(version, Window(reference))
        return watched

    def _show(self, name: str, watched: "_Watched") -> None:
        now = time.monotonic()
        if now >= watched.due:
            watched.due = now + self._every_s
            self._board.show(name, len(watched.window), watched.window.psi())


@dataclass(slots=True)
class _Watched:
    version: str
    window: Window
    due: float = float("-inf")
    """When it is shown again, on the monotonic clock."""

    def may_go_on(self, recipe: Recipe | None) -> bool:
        """Whether it is still what is listed; None: its models are not loaded now, and may come back as they were."""
        return recipe is None or (recipe.version, recipe.reference) == (self.version, self.window.reference)


def _values(inspection: Inspection) -> dict[str, float]:
    """What is known of a frame: a picture that no model has seen has measures and no score."""
    score = {} if inspection.score is None else {"score": inspection.score}
    return score | inspection.picture_quality

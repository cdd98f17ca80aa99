"""The recipes of the model repository, and whether each can be used: known by looking, proved by a real inference."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from flawgate_contracts.errors import (
    BrokenRecipe,
    FlawgateError,
    ModelServerUnavailable,
    RecipeChanged,
    RecipeUnavailable,
    UnknownRecipe,
)
from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe
from flawgate_inference.deciding import prove
from flawgate_inference.model_server import ModelServer, ServedModel

log = structlog.get_logger(__name__)


class State(StrEnum):
    """Whether a recipe can be used."""

    READY = "READY"
    UNAVAILABLE = "UNAVAILABLE"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipe as it stands."""

    name: str
    state: State
    detail: str = ""
    """Why it cannot be used; empty when it can."""
    recipe: Recipe | None = None
    """As last read; None where it could not be read."""
    verified_at: float | None = None
    """Moment on the monotonic clock, in seconds, of the last real inference that succeeded."""


class Catalogue:
    """Looks at the model server again and again, and keeps what it saw."""

    def __init__(
        self, server: ModelServer, *, probe_interval_s: float, verify_interval_s: float, infer_timeout_s: float
    ) -> None:
        self._server = server
        self._probe_interval_s = probe_interval_s
        self._verify_interval_s = verify_interval_s
        self._infer_timeout_s = infer_timeout_s
        self._entries: Mapping[str, Entry] = {}
        self._unreachable: ModelServerUnavailable | None = ModelServerUnavailable(
            "The model server was not reached yet; try again shortly."
        )
        self._look = asyncio.Event()
        self._looking = asyncio.Lock()
        self._looks_begun = 0
        self._last_whole_look = 0

    @property
    def entries(self) -> Sequence[Entry]:
        """All recipes, sorted by name."""
        return [self._entries[name] for name in sorted(self._entries)]

    def is_reachable(self) -> bool:
        """Whether the model server answered when last asked."""
        return self._unreachable is None

    def is_ready(self) -> bool:
        """Whether the model server answers and at least one recipe has passed a real inference."""
        return self.is_reachable() and any(entry.state is State.READY for entry in self._entries.values())

    def get(self, name: str) -> Recipe:
        """The recipe of that name, ready for use.

        Raises:
            UnknownRecipe: there is none.
            BrokenRecipe: it cannot be read.
            RecipeUnavailable: its models are not loaded, or failed when last tried.
            ModelServerUnavailable: the model server does not answer.
        """
        if self._unreachable is not None:
            raise self._unreachable
        entry = self._entries.get(name)
        if entry is None:
            known = ", ".join(sorted(self._entries)) or "none"
            raise UnknownRecipe(f"There is no recipe {name!r} here; known are: {known}.", {"recipe": name})
        if entry.recipe is None or entry.state is not State.READY:
            raise _refusal(entry)
        return entry.recipe

    def look_soon(self) -> None:
        """Look at the model server now rather than at the next turn, e.g. since a call to it failed."""
        self._look.set()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception:
                log.exception("looking at the model server failed")
                self._lose(ModelServerUnavailable("The model server's answer could not be read; the log says why."))
            self._look.clear()
            try:
                await asyncio.wait_for(self._look.wait(), self._probe_interval_s)
            except TimeoutError:
                continue

    async def look_again(self, recipe: Recipe) -> None:
        """Look now, since a model of a recipe is not loaded: the moment after a promotion, or a recipe that is gone.

        Args:
            recipe: as `get` gave it before.

        Raises:
            RecipeChanged: another version of it is served by now.
            FlawgateError: what `get` raises of it by now. Where it stands as before, nothing is raised.
        """
        # Where somebody looked before, for the same reason, all who come later have seen enough.
        if self.holds(recipe):
            self._doubt(recipe.name)
            await self._look_unless(lambda: not self.holds(recipe))
        if not self.holds(recipe):
            same_version(self.get(recipe.name), recipe.version)

    def holds(self, recipe: Recipe) -> bool:
        """Whether that version of the recipe is still taken for usable."""
        entry = self._entries.get(recipe.name)
        return entry is not None and entry.state is State.READY and entry.recipe == recipe

    def _doubt(self, name: str) -> None:
        """Take no earlier inference for a proof."""
        self._entries = {**self._entries, name: replace(self._entries[name], verified_at=None)}

    async def refresh(self) -> None:
        """Look once: list the models, read the recipes, try those that were not tried lately.

        Looks do not overlap. Whoever asks for one while another is on its way shares the next one with all who do.
        """
        await self._look_unless(lambda: False)

    async def _look_unless(self, is_settled: Callable[[], bool]) -> None:
        """Look once, unless the look that was waited for has settled the question already."""
        asked_at = self._looks_begun
        async with self._looking:
            # A look that began before the question may have seen what the question is about, or not.
            if self._last_whole_look > asked_at or is_settled():
                return
            self._looks_begun += 1
            number = self._looks_begun
            await self._look_once()
            self._last_whole_look = number

    async def _look_once(self) -> None:
        try:
            served = await self._server.models()
        except FlawgateError as error:
            self._lose(error)
            return
        found = [await self._proved(_entry(model, served)) for model in _recipes(served)]
        if self._unreachable is not None:
            log.info("model server reached", recipes=[entry.name for entry in found])
        self._unreachable = None
        self._entries = {entry.name: entry for entry in found}

    def _lose(self, error: FlawgateError) -> None:
        """The server is gone: nothing is proved any more."""
        if self._unreachable is None:
            log.warning("model server lost", detail=error.message)
        self._unreachable = ModelServerUnavailable(error.message, error.metadata)
        self._entries = {
            name: replace(entry, state=State.UNAVAILABLE, detail=error.message, verified_at=None)
            if entry.state is State.READY
            else entry
            for name, entry in self._entries.items()
        }

    async def _proved(self, entry: Entry) -> Entry:
        """The entry after a real inference, unless one succeeded lately on the same version."""
        known = self._entries.get(entry.name)
        if entry.recipe is None or entry.state is not State.READY:
            _tell(known, entry)
            return entry
        if known and known.recipe == entry.recipe and known.verified_at and self._is_fresh(known.verified_at):
            return known
        proved = await self._tried(entry, entry.recipe)
        _tell(known, proved)
        return proved

    def _is_fresh(self, verified_at: float) -> bool:
        return time.monotonic() - verified_at < self._verify_interval_s

    async def _tried(self, entry: Entry, recipe: Recipe) -> Entry:
        try:
            await prove(self._server, recipe, timeout_s=self._infer_timeout_s)
        except FlawgateError as error:
            return replace(entry, state=State.UNAVAILABLE, detail=f"A test inference failed: {error.message}")
        return replace(entry, verified_at=time.monotonic())


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


def _recipes(served: Sequence[ServedModel]) -> list[ServedModel]:
    """Models that carry a recipe, and models that are not loaded and may carry one.

    The parts of a recipe are named after it (`commutator_seg` of `commutator`): such a model is no recipe.
    """
    names = {model.name for model in served}

    def is_part(name: str) -> bool:
        return any(name.startswith(f"{other}_") for other in names)

    return [
        model
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
    return Entry(model.name, State.READY, recipe=recipe.model_copy(update={"version": model.version}))


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


def _refusal(entry: Entry) -> FlawgateError:
    facts = {"recipe": entry.name}
    if entry.state is State.BROKEN:
        return BrokenRecipe(f"Recipe {entry.name} is broken. {entry.detail}", facts)
    return RecipeUnavailable(f"Recipe {entry.name} cannot be used now. {entry.detail}", facts)


def _tell(before: Entry | None, now: Entry) -> None:
    if before is None or (before.state, before.detail) != (now.state, now.detail):
        log.info("recipe", recipe=now.name, state=now.state, detail=now.detail)

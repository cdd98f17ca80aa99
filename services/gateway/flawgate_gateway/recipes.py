"""The recipes, as decision last listed them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from flawgate_contracts.context import bound, current_context
from flawgate_contracts.errors import BrokenRecipe, FlawgateError, RecipeUnavailable, UnknownRecipe
from flawgate_contracts.recipe import Recipe
from flawgate_gateway.ports import Decider, ListedRecipe

MIN_AGE_S = 0.25
"""A list younger than this, in seconds, is not asked for again, whatever is missing from it."""


class RecipeBook:
    """Keeps the list for a while; asks again when it is old, or when what is looked for is not ready in it."""

    def __init__(self, decider: Decider, *, ttl_s: float) -> None:
        self._decider = decider
        self._ttl_s = ttl_s
        self._told: list[Callable[[Sequence[ListedRecipe]], None]] = []
        self._listed: Sequence[ListedRecipe] = ()
        self._listed_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    def tell(self, told: Callable[[Sequence[ListedRecipe]], None]) -> None:
        """Call this with each list from now on, before any frame is inspected by it."""
        self._told.append(told)

    async def listed(self) -> Sequence[ListedRecipe]:
        """All recipes, sorted by name. Raises `FlawgateError`."""
        return await self._fresh(self._ttl_s)

    async def find(self, name: str) -> ListedRecipe:
        """The recipe of that name, usable or not.

        Raises:
            UnknownRecipe: there is none.
            DependencyUnavailable: decision does not answer.
        """
        found = _named(name, await self._fresh(self._ttl_s))
        if found is None or found.usable is None:
            found = _named(name, await self._fresh(MIN_AGE_S))
        if found is None:
            known = ", ".join(listed.name for listed in self._listed) or "none yet"
            raise UnknownRecipe(f"There is no recipe {name!r} here; known are: {known}.", {"recipe": name})
        return found

    async def served(self, name: str) -> Recipe:
        """The recipe of that name, also where its models are not loaded.

        Raises:
            UnknownRecipe: there is none.
            BrokenRecipe: it cannot be read.
            DependencyUnavailable: decision does not answer.
        """
        found = await self.find(name)
        if found.recipe is None:
            raise _refusal(found)
        return found.recipe

    async def ready(self, name: str) -> Recipe:
        """The recipe of that name, ready for use.

        Raises:
            UnknownRecipe: there is none.
            BrokenRecipe: it cannot be read.
            RecipeUnavailable: its models are not loaded.
            DependencyUnavailable: decision does not answer.
        """
        found = await self.find(name)
        if found.usable is None:
            raise _refusal(found)
        return found.usable

    def last_listed(self, name: str) -> Recipe | None:
        """The recipe of that name as it was last listed, however long ago; None where it was not, or is broken."""
        found = _named(name, self._listed)
        return None if found is None else found.recipe

    def forget(self) -> None:
        """Ask again the next time, even while an answer is on its way."""
        self._listed_at = float("-inf")
        self._asking = None

    async def _fresh(self, max_age_s: float) -> Sequence[ListedRecipe]:
        oldest = time.monotonic() - max_age_s
        # Again where somebody said `forget` meanwhile: what was on its way then may be of before.
        while self._listed_at < oldest:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.ensure_future(self._ask())
                self._asking.add_done_callback(_take_note)
            await asyncio.shield(self._asking)
        return self._listed

    async def _ask(self) -> None:
        """One question for all who wait for its answer: no one's deadline ends it, and no one's going away."""
        with bound(replace(current_context(), deadline=None)):
            listed = await self._decider.recipes()
        for told in self._told:
            told(listed)
        if self._asking is asyncio.current_task():
            self._listed, self._listed_at = listed, time.monotonic()


def _take_note(asking: "asyncio.Task[None]") -> None:
    """A failure is raised to those who wait; when nobody does any more, it is no news."""
    if not asking.cancelled():
        asking.exception()


def _named(name: str, listed: Sequence[ListedRecipe]) -> ListedRecipe | None:
    return next((recipe for recipe in listed if recipe.name == name), None)


def _refusal(listed: ListedRecipe) -> FlawgateError:
    facts = {"recipe": listed.name}
    if listed.state == "BROKEN":
        return BrokenRecipe(f"Recipe {listed.name} is broken. {listed.detail}", facts)
    return RecipeUnavailable(f"Recipe {listed.name} cannot be used now. {listed.detail}", facts)

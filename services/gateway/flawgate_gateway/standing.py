"""How the gateway stands, looked at again and again so that metrics tell it even when nobody sends a frame."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from flawgate_contracts.errors import BrokenRecipe, FlawgateError
from flawgate_contracts.recipe import Recipe
from flawgate_gateway.database.connections import Database
from flawgate_gateway.policies.book import PolicyBook
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.reviews.counting import count_waiting

ARCHIVE_S = 5.0
POLICIES_S = 5.0
REVIEWS_S = 15.0
VARIANTS_S = 5.0
"""Between looks, in seconds."""

log = structlog.get_logger(__name__)


class StandingObserver(Protocol):
    """Is told how things stand."""

    def dependencies(self, up: Mapping[str, bool]) -> None:
        """Whether these can be used."""
        ...

    def ready(self, *, is_so: bool) -> None:
        """Whether frames are taken and can be inspected."""
        ...

    def in_force(self, policies: Mapping[str, str]) -> None:
        """Recipe → version of the policy in force; no other recipe has one."""
        ...

    def reviews_wait(self, parts: int | None) -> None:
        """So many parts wait for a review; None: they cannot be counted."""
        ...


@dataclass(frozen=True, slots=True)
class Lookout:
    """Looks at what no request, and no probe of readiness, looks at."""

    database: Database
    archive_answers: Callable[[], Awaitable[bool]]
    """Says whether pictures can be kept now."""
    recipes: RecipeBook
    policies: PolicyBook
    observer: StandingObserver
    variants: Mapping[str, Callable[[], Awaitable[bool]]] = field(default_factory=dict)
    """What says of each variant beside the one in force whether it serves; the gateway is ready without them."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look while the block runs."""
        looks = {
            "archive": (ARCHIVE_S, self._archive),
            "policies": (POLICIES_S, self._policies),
            "reviews": (REVIEWS_S, self._reviews),
            "variants": (VARIANTS_S, self._variants),
        }
        looking = [asyncio.ensure_future(_every(seconds, look, what)) for what, (seconds, look) in looks.items()]
        try:
            yield
        finally:
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)

    async def _archive(self) -> None:
        self.observer.dependencies({"archive": await self.archive_answers()})

    async def _variants(self) -> None:
        serving = await asyncio.gather(*(serves() for serves in self.variants.values()))
        self.observer.dependencies(dict(zip(self.variants, serving, strict=True)))

    async def _policies(self) -> None:
        listed = [each.recipe for each in await self.recipes.listed() if each.recipe is not None]
        applied = [await self._applied(recipe) for recipe in listed]
        self.observer.in_force({recipe.name: recipe.policy.version for recipe in applied if recipe is not None})

    async def _applied(self, recipe: Recipe) -> Recipe | None:
        """Under the policy in force; None where that one does not fit."""
        try:
            return await self.policies.applied(recipe)
        except BrokenRecipe:
            return None

    async def _reviews(self) -> None:
        try:
            self.observer.reviews_wait(await count_waiting(self.database))
        except FlawgateError:
            self.observer.reviews_wait(None)
            raise


async def _every(seconds: float, look: Callable[[], Awaitable[None]], what: str) -> None:
    """Look again and again, whatever comes of it; what is down is told by `flawgate_dependency_up`."""
    while True:
        try:
            await look()
        except FlawgateError as error:
            log.debug("cannot be looked at", what=what, reason=error.reason, detail=error.message)
        except Exception:
            log.exception("cannot be looked at", what=what)
        await asyncio.sleep(seconds)

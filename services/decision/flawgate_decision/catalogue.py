"""The recipes of the model repository, and whether each can be used: known by looking, proved by real inferences."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import structlog

from flawgate_contracts.errors import FlawgateError, ModelServerUnavailable, UnknownRecipe
from flawgate_contracts.recipe import Recipe
from flawgate_decision.entries import Entry, State, entries_of, refusal, same_version
from flawgate_decision.reading import GoldenSource
from flawgate_decision.trials import Trials
from flawgate_decision.trying import tell
from flawgate_inference.model_server import ModelServer

log = structlog.get_logger(__name__)


class Trust(NamedTuple):
    """How far a recipe's verdicts could be believed at one moment.

    A verdict is believed where trust was given when its frame came, and the same trust stands when it is answered.
    """

    is_given: bool
    failures: int
    """Golden checks that have not passed so far: one that failed and passed again in between shows."""


class Catalogue:
    """Looks at the model server again and again, and keeps what it saw.

    A look lists the models. Recipes that it finds new, changed or not checked for long are tried beside it, each by
    itself, so that a slow one keeps nobody waiting; until a new version has been tried, the one before is used.
    """

    def __init__(
        self,
        server: ModelServer,
        *,
        probe_interval_s: float,
        golden_interval_s: float,
        infer_timeout_s: float,
        source: GoldenSource | None = None,
    ) -> None:
        self._server = server
        self._probe_interval_s = probe_interval_s
        self._golden_interval_s = golden_interval_s
        self._trials = Trials(
            server, source or GoldenSource(), self._check_back, self._conclude, timeout_s=infer_timeout_s
        )
        self._entries: Mapping[str, Entry] = {}
        self._listed: Mapping[str, Entry] = {}
        """As the last look found them."""
        self._unreachable: ModelServerUnavailable | None = ModelServerUnavailable(
            "The model server was not reached yet; try again shortly."
        )
        self._is_settled = False
        """Whether all recipes have been tried since the model server was reached."""
        self._look = asyncio.Event()
        self._looking = asyncio.Lock()
        self._looks_begun = 0
        self._last_whole_look = 0

    @property
    def entries(self) -> Sequence[Entry]:
        """All recipes, sorted by name."""
        return [self._entries[name] for name in sorted(self._entries)]

    def told(self) -> Sequence[Entry]:
        """What callers are told of: all recipes, once the model server has listed any.

        Raises:
            ModelServerUnavailable: it never did. That there is none yet is no reason to refuse a recipe for good.
        """
        if self._unreachable is not None and not self._listed:
            raise self._unreachable
        return self.entries

    @property
    def versions(self) -> frozenset[tuple[str, str]]:
        """Names and versions of the recipes in use, and of those that are being tried."""
        known = (*self._entries.values(), *self._listed.values())
        return frozenset((entry.name, entry.recipe.version) for entry in known if entry.recipe is not None)

    def is_reachable(self) -> bool:
        """Whether the model server answered when last asked."""
        return self._unreachable is None

    def is_ready(self) -> bool:
        """Whether the model server answers, all recipes have been tried, and one at least can be used and trusted."""
        is_any_ready = any(entry.state is State.READY for entry in self._entries.values())
        return self.is_reachable() and self._is_settled and is_any_ready

    def get(self, name: str) -> Recipe:
        """The recipe of that name, ready for use; see `trust` on whether its verdicts may be believed.

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
        if entry.recipe is None or not entry.is_in_use:
            raise refusal(entry)
        return entry.recipe

    def trust(self, name: str) -> Trust:
        """How far the verdicts of that recipe can be believed now."""
        entry = self._entries.get(name)
        if entry is None:
            return Trust(is_given=False, failures=0)
        return Trust(entry.state is not State.UNTRUSTED, entry.counts.failed + entry.counts.error)

    def look_soon(self, recipe: Recipe) -> None:
        """Look at the model server now, and try a recipe anew: it did not answer, and may have been started again.

        Args:
            recipe: as `get` gave it before.
        """
        if self.holds(recipe):
            self._doubt(recipe.name)
        self._look.set()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        try:
            while True:
                await self._watch_once()
        finally:
            self._trials.cancel()

    async def _watch_once(self) -> None:
        try:
            await self._look_unless(lambda: False)
        except Exception:
            log.exception("looking at the model server failed")
            self._lose(ModelServerUnavailable("The model server's answer could not be read; the log says why."))
        self._look.clear()
        try:
            await asyncio.wait_for(self._look.wait(), self._probe_interval_s)
        except TimeoutError:
            return

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
        await self._trials.ended(recipe.name)
        if not self.holds(recipe):
            same_version(self.get(recipe.name), recipe.version)

    def holds(self, recipe: Recipe) -> bool:
        """Whether that version of the recipe is in use, and was still the one served at the last look."""
        entry, listed = self._entries.get(recipe.name), self._listed.get(recipe.name)
        return entry is not None and entry.is_in_use and listed is not None and entry.recipe == recipe == listed.recipe

    def _doubt(self, name: str) -> None:
        """Take no earlier inference for a proof."""
        self._entries = {**self._entries, name: replace(self._entries[name], verified_at=None)}

    async def refresh(self) -> None:
        """Look once, and wait until all that this found has been tried.

        Looks do not overlap. Whoever asks for one while another is on its way shares the next one with all who do.
        """
        await self._look_unless(lambda: False)
        await self._trials.ended()

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
            found = entries_of(await self._server.models())
        except FlawgateError as error:
            self._lose(error)
            return
        if self._unreachable is not None:
            log.info("model server reached", recipes=[entry.name for entry in found])
        self._unreachable = None
        self._listed = {entry.name: entry for entry in found}
        for name in self._entries.keys() - self._listed.keys():
            self._trials.cancel(name)
        self._entries = {name: entry for name, entry in self._entries.items() if name in self._listed}
        for entry in found:
            self._take(entry)

    def _take(self, found: Entry) -> None:
        """Try a recipe that can be tried, unless that was done lately with the same version."""
        known = self._entries.get(found.name)
        if found.recipe is None:
            self._trials.cancel(found.name)
            self._put(found if known is None else replace(found, counts=known.counts))
            return
        if known is None:
            tried = replace(found, state=State.UNAVAILABLE, detail="It is being tried; ask again shortly.")
            self._entries = {**self._entries, found.name: tried}
            self._trials.begin(found, is_routine=False)
        elif not known.is_of(found):
            self._trials.begin(replace(found, counts=known.counts), is_routine=False)
        elif known.verified_at is None or self._is_old(known.verified_at):
            is_routine = known.is_in_use and known.verified_at is not None
            self._trials.begin(replace(found, counts=known.counts, check=known.check), is_routine=is_routine)

    def _is_old(self, verified_at: float) -> bool:
        return time.monotonic() - verified_at >= self._golden_interval_s

    async def _check_back(self) -> None:
        """Look once more, for a trial whose version is gone: it ends there if the look finds another."""
        await self._look_unless(lambda: False)

    def _conclude(self, entry: Entry) -> None:
        """A trial has ended."""
        self._put(entry)
        self._is_settled = self._is_settled or self._trials.are_over

    def _put(self, entry: Entry) -> None:
        """From now on, this is known of a recipe."""
        known = self._entries.get(entry.name)
        if entry.is_in_use:
            goes_on = known is not None and known.is_in_use and known.recipe == entry.recipe
            entry = replace(entry, loaded_at=known.loaded_at if known and goes_on else time.time())
        self._entries = {**self._entries, entry.name: entry}
        tell(known, entry)

    def _lose(self, error: FlawgateError) -> None:
        """The server is gone: nothing is proved any more."""
        if self._unreachable is None:
            log.warning("model server lost", detail=error.message)
        self._unreachable = ModelServerUnavailable(error.message, error.metadata)
        self._trials.cancel()
        self._is_settled = False
        self._entries = {
            name: replace(entry, state=State.UNAVAILABLE, detail=error.message, verified_at=None)
            if entry.is_in_use
            else entry
            for name, entry in self._entries.items()
        }

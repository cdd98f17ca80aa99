"""The steps from one version to another while the one before goes on being served, and the way back.

On disk these are the steps of flawgate_contracts.repository.switch; after each the model server looks at the files, and
before the switch becomes final the version has judged its golden frames, first by its models in turn, which nobody else
asks yet, then by the ensemble that everybody asks.

Triton must never be told to load an ensemble whose models it has not loaded in that version: it would take the version
before from service. So the models are proved first, even where there is no golden frame.
"""

import structlog

from flawgate_contracts.errors import DeadlineExceeded, FlawgateError, ModelServerUnavailable
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository import history, switch
from flawgate_contracts.repository.history import History, Promotion
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_contracts.repository.staging import OnStep
from flawgate_decision.promotion.checking import check
from flawgate_decision.promotion.control import ControlledServer, ModelsInTurn
from flawgate_imaging.golden_frames import Frames
from flawgate_inference.golden_checks import Checked

log = structlog.get_logger(__name__)


class Change:
    """The steps from one version to another, and the way back."""

    def __init__(
        self, repository: ModelRepository, recipe: Recipe, old: int, server: ControlledServer, on_step: OnStep
    ) -> None:
        self._repository = repository
        self._recipe = recipe
        self._old, self._new = old, int(recipe.version)
        self._server = server
        self._on_step = on_step
        self._answers = True

    async def carry_out(self, frames: Frames, note: Promotion) -> tuple[Checked, ...]:
        """All steps, or none.

        Args:
            frames: golden frames of the new version.
            note: for the history.

        Returns:
            The golden frames as the ensemble judged them.

        Raises:
            FlawgateError: a step failed; files and, if it still answers, model server are as they were.
        """
        name = self._recipe.name
        past = history.read(self._repository, name).in_force(self._old)
        try:
            await self._load_models(sorted((self._old, self._new)))
            await check(ModelsInTurn(self._server, self._recipe), self._recipe, frames)
            history.write(self._repository, name, History(promotions=(*past.promotions, note)))
            await self._put_in_force(self._new)
            checked = await check(self._server, self._recipe, frames)
            await self._load_models([self._new])
        except BaseException:
            await self._go_back()
            if history.read(self._repository, name) != past:
                history.write(self._repository, name, past)
            raise
        return checked

    async def _load_models(self, versions: list[int]) -> None:
        """On disk, then in the model server."""
        switch.load_only(self._repository, self._recipe, versions, self._on_step)
        for reference in self._recipe.models:
            self._on_step(f"server loads {reference.name}")
            await self._server.load(reference.name)

    async def _put_in_force(self, version: int) -> None:
        self._on_step("ensemble")
        switch.put_in_force(self._repository, self._recipe.name, version)
        self._on_step("server loads the ensemble")
        await self._server.load(self._recipe.name)

    async def _go_back(self) -> None:
        """On disk in any case; of the server as much as it still does."""
        if self._repository.active(self._recipe.name) != self._old:
            switch.load_only(self._repository, self._recipe, sorted((self._old, self._new)))
            await self._try_to_load([reference.name for reference in self._recipe.models])
            switch.put_in_force(self._repository, self._recipe.name, self._old)
            await self._try_to_load([self._recipe.name])
        switch.load_only(self._repository, self._recipe, [self._old])
        await self._try_to_load([reference.name for reference in self._recipe.models])

    async def _try_to_load(self, models: list[str]) -> None:
        for model in models:
            if not self._answers:
                return
            try:
                await self._server.load(model)
            except FlawgateError as error:
                self._answers = not isinstance(error, ModelServerUnavailable | DeadlineExceeded)
                log.warning("the model server could not be told to go back", model=model, detail=error.message)


async def repair(repository: ModelRepository, recipe: Recipe, server: ControlledServer) -> None:
    """Finish or undo what a killed process was about, on disk and in the model server.

    The server may be anywhere between: so it loads both versions first where the files name them, then the ensemble in
    force, and only then lets go of the other.
    """
    if not switch.half_done(repository, recipe):
        return
    log.warning("a promotion was interrupted; it is brought to an end", recipe=recipe.name)
    models = [reference.name for reference in recipe.models]
    for name in (*models, recipe.name):
        await server.load(name)
    switch.repair(repository, recipe)
    for name in models:
        await server.load(name)

"""A recipe's version in force: its files verified, its models open and tried; another one once it is promoted."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from flawgate_contracts.errors import FlawgateError, GoldenFailed, RecipeUnavailable
from flawgate_contracts.kinds import CALLS
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository import digests
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_imaging import golden_frames
from flawgate_imaging.golden_frames import NO_FRAMES, Frames
from flawgate_inference.golden_checks import check, table
from flawgate_inference.onnx_models import Look, look_of
from flawgate_inference.onnx_server import OnnxModelServer

log = structlog.get_logger(__name__)

LOOK_INTERVAL_S = 2.0
"""Seconds between two looks at whether another version was promoted; as decision looks."""

LOOKS_UNTIL_RETRY = 30
"""A version that cannot be used is tried again after so many looks: its digests take a while to compute."""

PROVE_TIMEOUT_S = 120.0
"""For the first inference of a model, in seconds: a Raspberry Pi takes its time over a large one."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version that can be used. Not closed when another takes its place: it goes when its last frame is judged."""

    recipe: Recipe
    server: OnnxModelServer


class ModelsInForce:
    """Loads the version in force when it is first asked for, and again when the files name another one."""

    def __init__(self, repository: Path, recipe: str, *, threads: int, look_interval_s: float) -> None:
        """Nothing is read yet.

        Args:
            repository: folder of the model repository.
            recipe: name.
            threads: of one inference; 0 for all cores.
            look_interval_s: between two looks at the files, in seconds.
        """
        self._repository = ModelRepository(repository)
        self._recipe = recipe
        self._threads = threads
        parts = {call.part for calls in CALLS.values() for call in calls}
        self._names = frozenset((recipe, *(f"{recipe}_{part}" for part in parts)))
        self._look_interval_s = look_interval_s
        self._look: Look | None = None
        self._look_again_at = 0.0
        self._loaded: Loaded | None = None
        self._fault: FlawgateError = RecipeUnavailable(f"Recipe {recipe} was not loaded yet.")
        self._loading = asyncio.Lock()

    async def current(self) -> Loaded:
        """The version in force; where it cannot be used, the one before it.

        Raises:
            UnknownRecipe: there is no such recipe.
            BrokenRecipe: it cannot be read, or no version is in force.
            DamagedModel: a file is missing, or is another one than the recipe names.
            ModelFailure: a model cannot be opened, or does not answer as its recipe says.
            GoldenFailed: it judges a golden frame otherwise than at its export.
        """
        async with self._loading:
            if await self._is_changed():
                await self._renew()
            if self._loaded is None:
                fault = self._fault
                raise type(fault)(fault.message, fault.metadata)
            return self._loaded

    async def close(self) -> None:
        """Wait for the inference that is under way, and let go of the models."""
        if self._loaded is not None:
            await self._loaded.server.close()

    async def _is_changed(self) -> bool:
        """Whether the files are others than when they were last read; they are looked at now and then."""
        if time.monotonic() < self._look_again_at:
            return False
        self._look_again_at = time.monotonic() + self._look_interval_s
        look = await asyncio.to_thread(look_of, self._repository.root, self._names)
        changed, self._look = look != self._look, look
        return changed

    async def _renew(self) -> None:
        """Load what is in force; where that fails, what was loaded before stays, and it is tried again later."""
        try:
            self._loaded = await self._load()
        except FlawgateError as error:
            self._fault, self._look = error, None
            self._look_again_at = time.monotonic() + LOOKS_UNTIL_RETRY * self._look_interval_s
            before = None if self._loaded is None else self._loaded.recipe.version
            log.warning(
                "the version in force cannot be used", recipe=self._recipe, goes_on_with=before, detail=error.message
            )

    async def _load(self) -> Loaded:
        loaded = await asyncio.to_thread(self._opened)
        try:
            for name in (*(model.name for model in loaded.recipe.models), self._recipe):
                await loaded.server.load(name)
            await self._prove(loaded)
        except BaseException:
            await loaded.server.close()
            raise
        log.info("recipe", recipe=self._recipe, version=loaded.recipe.version, state="READY")
        return loaded

    async def _prove(self, loaded: Loaded) -> None:
        """By its golden frames, or an even frame: what judges them otherwise than at its export judges no parts."""
        recipe = loaded.recipe
        frames = await asyncio.to_thread(self._golden_frames, recipe)
        found = await check(loaded.server, recipe, frames, timeout_s=PROVE_TIMEOUT_S)
        if found.fault:
            log.error("golden frames failed", recipe=recipe.name, version=recipe.version, frames=table(found.frames))
            raise GoldenFailed(
                f"Version {recipe.version} of recipe {recipe.name} is not to be trusted on this machine. {found.fault}",
                {"recipe": recipe.name, "version": recipe.version},
            )

    def _golden_frames(self, recipe: Recipe) -> Frames:
        folder = self._repository.folder(recipe.name, int(recipe.version))
        golden = golden_frames.read(folder)
        return NO_FRAMES if golden is None else golden_frames.gather(recipe, golden, folder, None)

    def _opened(self) -> Loaded:
        recipe = self._repository.recipe(self._recipe, self._repository.in_force(self._recipe))
        digests.verify(self._repository, recipe)
        names = (recipe.name, *(model.name for model in recipe.models))
        return Loaded(recipe, OnnxModelServer(self._repository.root, threads=self._threads, names=names))

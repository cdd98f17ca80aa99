"""Golden frames are read in threads of their own: a disk that hangs takes none of those that compute verdicts."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread

from pydantic import ValidationError

from flawgate_contracts.errors import DamagedModel
from flawgate_contracts.golden import FILE, Golden
from flawgate_contracts.recipe import Recipe
from flawgate_imaging import golden_frames
from flawgate_imaging.golden_frames import Frames


@dataclass(frozen=True)
class GoldenSource:
    """Where golden frames are found, beside what the model server tells of them.

    Attributes:
        repository: folder of the model repository; None: it is out of reach.
        pictures: folder of golden frames whose pictures are not shipped, by name; None: nowhere.
    """

    repository: Path | None = None
    pictures: Path | None = None

    def frames(self, recipe: Recipe, told: str | None) -> Frames | None:
        """Those of a version; None where it has none. Read anew each time: a damaged file may have been restored.

        Args:
            recipe: of the version.
            told: its golden.json as the model server tells it; None where it does not.

        Raises:
            DamagedModel: what describes them cannot be read.
        """
        folder = self._folder(recipe)
        golden = None if folder is None else golden_frames.read(folder)
        if told is not None:
            golden = _parsed(recipe, told)
        return None if golden is None else golden_frames.gather(recipe, golden, folder, self.pictures)

    def _folder(self, recipe: Recipe) -> Path | None:
        if self.repository is None:
            return None
        folder = self.repository / recipe.name / recipe.version
        return folder if folder.is_dir() else None


class GoldenReader:
    """Reads from a source, and waits for it no longer than it is told; a version has one thread at most."""

    def __init__(self, source: GoldenSource) -> None:
        self._source = source
        self._reading: dict[tuple[str, str, str | None], Future[Frames | None]] = {}

    async def frames(self, recipe: Recipe, told: str | None, *, timeout_s: float) -> Frames | None:
        """See `GoldenSource.frames`; while a version is being read, all who ask wait for the same answer.

        Args:
            recipe: of the version.
            told: its golden.json as the model server tells it; None where it does not.
            timeout_s: longest wait, in seconds.

        Raises:
            DamagedModel: what describes them cannot be read, or nothing of it within that time.
        """
        key = (recipe.name, recipe.version, told)
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = _in_a_thread(partial(self._source.frames, recipe, told))
            reading.add_done_callback(lambda _: self._reading.pop(key, None))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(reading), timeout_s)
        except TimeoutError as err:
            raise DamagedModel(
                f"The golden frames of recipe {recipe.name} could not be read within {timeout_s:g} s; look after the "
                "disk of the model repository, and that of DECISION_GOLDEN_FRAMES.",
                {"recipe": recipe.name},
            ) from err


def _in_a_thread(work: Callable[[], Frames | None]) -> "Future[Frames | None]":
    """A daemon: one that hangs must not keep the process from ending."""
    reading: Future[Frames | None] = Future()

    def run() -> None:
        reading.set_running_or_notify_cancel()
        try:
            reading.set_result(work())
        except Exception as err:  # noqa: BLE001  # whoever waits gets it
            reading.set_exception(err)

    Thread(target=run, name="golden-frames", daemon=True).start()
    return reading


def _parsed(recipe: Recipe, told: str) -> Golden:
    try:
        return Golden.model_validate_json(told)
    except ValidationError as err:
        raise DamagedModel(
            f"{FILE} in the configuration of model {recipe.name} cannot be read; export the recipe again.",
            {"recipe": recipe.name},
        ) from err

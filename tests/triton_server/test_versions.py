"""Versions of recipes with the real Triton: whatever is killed or broken, the version in force is served."""

import asyncio
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.golden import write_golden
from support.killed import Task, kill_before_each_step
from support.pictures import spot_pixels
from support.tiny_repository import write_spot

from flawgate_contracts.errors import FlawgateError, GoldenFailed, InvalidParameter, ModelFailure
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository import switch
from flawgate_contracts.repository.layout import RECIPE, ModelRepository
from flawgate_contracts.repository.staging import leftovers
from flawgate_decision.promotion.promoting import Terms, promote
from flawgate_decision.triton import TritonModelServer

pytestmark = pytest.mark.cluster

GAINS = {1: 1.0, 2: 0.5}
GREY = 204
STEPS_OF_PUBLISHING, STEPS_OF_PROMOTION = 5, 14
EXPLICIT = ("--model-control=explicit", "--load-model=*", "--model-config-name=cpu")
UNCHECKED = Terms(unchecked="there is none")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> ModelRepository:
    """Recipes whose version 2 was being published, or promoted, when the process was killed; each at another step."""
    folder = tmp_path_factory.mktemp("killed")
    publishing = [_task(folder, f"published{step}") for step in range(STEPS_OF_PUBLISHING + 1)]
    promoting = [_task(folder, f"promoted{step}", published=True) for step in range(STEPS_OF_PROMOTION + 1)]
    assert kill_before_each_step("publish", publishing) == STEPS_OF_PUBLISHING
    assert kill_before_each_step("promote", promoting) == STEPS_OF_PROMOTION
    return ModelRepository(_together(folder / "repository", [*publishing, *_different(promoting)]))


def _task(folder: Path, recipe: str, *, published: bool = False) -> Task:
    root, prepared = folder / recipe, folder / f"{recipe}-prepared"
    write_spot(root, name=recipe, gain=GAINS[1])
    for path in root.glob("*_*/**/*.pbtxt"):
        # A process for each instance of each model: one is enough.
        path.write_text(f"{path.read_text('utf-8')}instance_group {{ count: 1 }}\n", "utf-8")
    write_spot(root if published else prepared, name=recipe, version="2", gain=GAINS[2])
    return Task(root=root, recipe=recipe, version=2, prepared=prepared)


def _different(tasks: Sequence[Task]) -> list[Task]:
    """Those that left other configurations than the one before: some steps are the model server's alone."""
    states = [{data.replace(task.recipe, "") for data in _configurations(task.root).values()} for task in tasks]
    return [task for number, task in enumerate(tasks) if number == 0 or states[number] != states[number - 1]]


def _together(repository: Path, tasks: Sequence[Task]) -> Path:
    for task in tasks:
        shutil.copytree(task.root, repository, dirs_exist_ok=True)
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    """Recipe `spot` in versions 1, which is in force, and 2, each with golden frames that it passes."""
    for version, gain in GAINS.items():
        recipe = write_spot(tmp_path, version=str(version), gain=gain)
        write_golden(tmp_path, recipe, {"bright": 250, "dark": 20}, gain=gain)
    return ModelRepository(tmp_path)


@pytest.mark.parametrize("arguments", [EXPLICIT, ()], ids=["explicit", "none"])
def test_triton_serves_the_active_version_whenever_a_process_was_killed(
    killed: ModelRepository, launch: object, arguments: tuple[str, ...]
) -> None:
    """Nothing that a killed export or promotion leaves behind keeps a recipe from being served."""
    assert len(leftovers(killed.root)) >= STEPS_OF_PUBLISHING - 1
    with _triton(launch, killed.root, *arguments) as server:
        served = {name: server.version(name) for name in killed.recipes()}
    assert served == {name: killed.active(name) for name in killed.recipes()}
    assert set(served.values()) == {1, 2}


def test_the_next_promotion_brings_an_interrupted_one_to_an_end(
    killed: ModelRepository, tmp_path: Path, launch: object
) -> None:
    """From wherever it stopped, with Triton running, to the version that is asked for."""
    interrupted = [name for name in killed.recipes() if switch.half_done(killed, killed.recipe(name, 1))]
    chosen = {killed.active(name): name for name in interrupted}
    for name in chosen.values():
        for folder in killed.root.glob(f"{name}*"):
            shutil.copytree(folder, tmp_path / folder.name, dirs_exist_ok=True)
    repository = ModelRepository(tmp_path)
    with _triton(launch, tmp_path, *EXPLICIT) as server:
        for active, version in ((1, 2), (2, 1)):
            name = chosen[active]
            server.promote(repository, name, version)
            assert server.version(name) == version == repository.active(name)
            assert not switch.half_done(repository, repository.recipe(name, 1))


def test_a_version_that_triton_cannot_load_leaves_the_served_one(repository: ModelRepository, launch: object) -> None:
    """Its digest is right, but it is no model: the error says why, and the files are as before."""
    _break_model(repository)
    before = _configurations(repository.root)
    with _triton(launch, repository.root, *EXPLICIT) as server:
        with pytest.raises(ModelFailure, match=r"cannot load model spot_cls: .*ONNX Runtime cannot open 2/model"):
            server.promote(repository, "spot", 2)
        assert server.version("spot") == 1
    assert before == _configurations(repository.root)


def test_a_version_that_fails_its_golden_frames_leaves_the_served_one(
    repository: ModelRepository, launch: object
) -> None:
    """The refusal shows the frames; Triton has let go of the version that failed."""
    write_golden(repository.root, repository.recipe("spot", 2), {"bright": 250}, gain=0.9)
    before = _configurations(repository.root)
    with _triton(launch, repository.root, *EXPLICIT) as server:
        with pytest.raises(GoldenFailed, match=r"judges 1 of 1 golden frames otherwise[^\n]*\n.*\n.*FAILED"):
            server.promote(repository, "spot", 2)
        assert server.version("spot") == 1
    assert before == _configurations(repository.root)


def test_a_triton_that_takes_no_orders_is_told(repository: ModelRepository, launch: object) -> None:
    """Started without model control, it says so at the first order, and nothing has changed."""
    before = _configurations(repository.root)
    with _triton(launch, repository.root) as server:
        with pytest.raises(InvalidParameter, match="lets nobody load models: start it with --model-control-mode=expl"):
            server.promote(repository, "spot", 2)
        assert server.version("spot") == 1
    assert before == _configurations(repository.root)


class _Served:
    """A running Triton."""

    def __init__(self, target: str) -> None:
        self._target = target

    def version(self, recipe: str) -> int | None:
        """That which answers under the recipe's name, proved by its score; None where it does not."""
        return asyncio.run(self._version(recipe))

    def promote(self, repository: ModelRepository, recipe: str, version: int) -> None:
        """See `promoting.promote`."""
        asyncio.run(self._promote(repository, recipe, version))

    async def _version(self, recipe: str) -> int | None:
        server = self._server()
        try:
            served = {model.name: model for model in await server.models()}[recipe]
            frames = spot_pixels(GREY)[np.newaxis, np.newaxis]
            answers = await server.infer(recipe, served.version, {"frame": frames}, ("score",), timeout_s=30)
        except FlawgateError:
            return None
        finally:
            await server.close()
        gain = round(float(answers["score"][0, 0]) * 255 / GREY, 3)
        return next(version for version in GAINS if GAINS[version] == gain and served.version == str(version))

    async def _promote(self, repository: ModelRepository, recipe: str, version: int) -> None:
        server = self._server()
        try:
            await promote(repository, recipe, version, server, UNCHECKED)
        finally:
            await server.close()

    def _server(self) -> TritonModelServer:
        return TritonModelServer(self._target, max_message_bytes=2**20)


@contextmanager
def _triton(launch: object, root: Path, *arguments: str) -> Iterator[_Served]:
    assert callable(launch)
    launcher = launch(root, *arguments)
    assert launcher.wait_until_ready()
    yield _Served(f"127.0.0.1:{launcher.grpc_port}")
    launcher.stop()


def _break_model(repository: ModelRepository) -> None:
    """Version 2 names a file that is no model, by its digest."""
    recipe = repository.recipe("spot", 2)
    (repository.root / "spot_cls/2/model.onnx").write_bytes(b"no model")
    digest = hashlib.sha256(b"no model").hexdigest()
    broken = recipe.models[1].model_copy(update={"sha256": digest})
    changed = recipe.model_copy(update={"models": (recipe.models[0], broken)})
    assert isinstance(changed, Recipe)
    (repository.folder("spot", 2) / RECIPE).write_text(changed.model_dump_json())


def _configurations(root: Path) -> dict[str, str]:
    """What is in force, by file."""
    paths = (path for path in root.rglob("*") if path.suffix in {".pbtxt", ".json"})
    return {str(path.relative_to(root)): path.read_text("utf-8") for path in paths}

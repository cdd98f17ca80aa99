"""Which version the agent judges by, and what it refuses to judge with."""

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.golden import write_golden
from support.pictures import spot_png
from support.standalone import STAND, captured
from support.tiny_repository import write_spot

from flawgate_camera.standalone.judge import StandaloneJudge
from flawgate_contracts.errors import (
    BrokenRecipe,
    DamagedModel,
    FlawgateError,
    GoldenFailed,
    ModelFailure,
    UnknownRecipe,
)
from flawgate_contracts.repository import switch
from flawgate_contracts.repository.layout import ModelRepository


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    """Recipe `spot` in versions 1, which is in force, and 2, which halves the scores; and a broken one beside it."""
    write_spot(tmp_path)
    write_spot(tmp_path, version="2", gain=0.5)
    write_spot(tmp_path, name="other")
    (tmp_path / "other_seg/1/model.onnx").write_bytes(b"not a model")
    return ModelRepository(tmp_path)


def looking(repository: ModelRepository) -> StandaloneJudge:
    """A judge that looks at the files before each frame."""
    return StandaloneJudge(repository.root, "spot", threads=1, look_interval_s=0)


async def judged(judge: StandaloneJudge) -> tuple[str, float]:
    """Version and score of a frame with a bright spot."""
    inspection = await judge.inspect(captured(spot_png(255)), STAND)
    return inspection.recipe_version, inspection.score


async def test_a_promoted_version_is_taken_up_without_a_restart(repository: ModelRepository) -> None:
    """The next frame is judged by it."""
    judge = looking(repository)
    before = await judged(judge)
    switch.switch(repository, repository.recipe("spot", 2))
    assert (before, await judged(judge)) == (("1", 1.0), ("2", 0.5))
    await judge.close()


@pytest.mark.parametrize(("gain", "verdict"), [(0.5, ("2", 0.5)), (0.1, ("1", 1.0))], ids=["as exported", "otherwise"])
async def test_a_version_is_taken_up_only_if_it_judges_its_golden_frames(
    repository: ModelRepository, gain: float, verdict: tuple[str, float]
) -> None:
    """One that judges them otherwise on this machine leaves the version before at work."""
    judge = looking(repository)
    await judge.ready()
    write_golden(repository.root, repository.recipe("spot", 2), {"bright": 250}, gain=gain)
    switch.switch(repository, repository.recipe("spot", 2))
    assert verdict == await judged(judge)
    await judge.close()


async def test_without_a_version_to_be_trusted_nothing_is_judged(repository: ModelRepository) -> None:
    """The frame goes on undecided, and the log shows the golden frames."""
    write_golden(repository.root, repository.recipe("spot", 1), {"bright": 250}, gain=0.1)
    judge = looking(repository)
    with capture_logs() as lines, pytest.raises(GoldenFailed, match="not to be trusted on this machine"):
        await judged(judge)
    (told,) = [line for line in lines if line["log_level"] == "error"]
    assert "bright" in told["frames"]
    await judge.close()


async def test_a_promoted_version_that_is_damaged_leaves_the_one_before(repository: ModelRepository) -> None:
    """The line goes on with what it had; once the files are whole, the new version is taken up."""
    judge = looking(repository)
    await judge.ready()
    file = repository.folder("spot_cls", 2) / "model.onnx"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    switch.switch(repository, repository.recipe("spot", 2))
    assert await judged(judge) == ("1", 1.0)
    file.write_bytes(whole)
    assert await judged(judge) == ("2", 0.5)
    await judge.close()


def _damage(repository: ModelRepository) -> None:
    (repository.folder("spot_seg", 1) / "model.onnx").write_bytes(b"another model")


def _unload(repository: ModelRepository) -> None:
    switch.load_only(repository, repository.recipe("spot", 1), [2])


def _forget(repository: ModelRepository) -> None:
    repository.config("spot").unlink()


@pytest.mark.parametrize(
    ("spoil", "recipe", "error", "says"),
    [
        (_damage, "spot", DamagedModel, "spot_seg/1/model.onnx is damaged"),
        (_unload, "spot", ModelFailure, "spot_seg"),
        (_forget, "spot", BrokenRecipe, "which version is in force"),
        (_forget, "nonsense", UnknownRecipe, "known are: other, spot"),
    ],
)
async def test_what_is_not_as_the_recipe_says_judges_nothing(
    repository: ModelRepository,
    spoil: Callable[[ModelRepository], None],
    recipe: str,
    error: type[FlawgateError],
    says: str,
) -> None:
    """The first frame is told why, and so is every other, without another look at the files for each."""
    spoil(repository)
    judge = StandaloneJudge(repository.root, recipe, threads=1)
    with capture_logs() as lines:
        for _ in range(3):
            with pytest.raises(error, match=says):
                await judge.ready()
    assert [line["goes_on_with"] for line in lines] == [None]
    await judge.close()


async def test_models_of_other_recipes_are_not_opened(repository: ModelRepository) -> None:
    """They would cost memory, and their faults are not this camera's."""
    judge = StandaloneJudge(repository.root, "spot", threads=1)
    loaded = await judge._models.current()
    assert [model.name for model in await loaded.server.models()] == ["spot", "spot_cls", "spot_seg"]
    await judge.close()

"""Promotion in a repository that ONNX Runtime serves in this process. With Triton: triton_server/test_versions.py."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray
from support.golden import write_golden
from support.tiny_repository import write_spot

from flawgate_contracts.errors import (
    BrokenRecipe,
    DamagedModel,
    FlawgateError,
    GoldenFailed,
    InvalidParameter,
    ModelServerUnavailable,
    RepositoryBusy,
    UnknownVersion,
)
from flawgate_contracts.repository import history, lock, switch
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_decision.promotion.promoting import Terms, promote, rollback
from flawgate_imaging.golden_frames import Missing
from flawgate_inference.model_server import ServedModel, Tensors
from flawgate_inference.onnx_server import OnnxModelServer

GREYS = {"bright.png": 250, "dark.png": 20}
GAINS = {1: 1.0, 2: 0.5, 3: 0.75}


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    """Recipe `spot` in versions 1, which is in force, 2 and 3, each with golden frames that it passes."""
    for version, gain in GAINS.items():
        recipe = write_spot(tmp_path / "repository", version=str(version), gain=gain)
        write_golden(tmp_path / "repository", recipe, GREYS, gain=gain)
    return ModelRepository(tmp_path / "repository")


@pytest.fixture
async def server(repository: ModelRepository) -> AsyncIterator["FailingServer"]:
    """Serves it, and fails when it is told to."""
    inner = OnnxModelServer(repository.root, threads=1)
    yield FailingServer(inner)
    await inner.close()


class FailingServer:
    """A model server that goes away for one of its orders, or for that and all after."""

    def __init__(self, inner: OnnxModelServer) -> None:
        self._inner = inner
        self.loaded: list[str] = []
        self.fails_at: int | None = None
        """Number of the order, from 0 on, that fails."""
        self.stays_away = False

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        return await self._inner.models()

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        return await self._inner.infer(model, version, inputs, outputs, timeout_s=timeout_s)

    async def load(self, model: str) -> None:
        """See `ControlledServer.load`."""
        number = len(self.loaded)
        self.loaded.append(model)
        if self.fails_at is not None and (number == self.fails_at or (self.stays_away and number > self.fails_at)):
            raise ModelServerUnavailable("The model server went away.")
        await self._inner.load(model)

    async def close(self) -> None:
        """See `ModelServer.close`."""


async def test_a_version_is_put_in_force(repository: ModelRepository, server: FailingServer) -> None:
    """Files and server agree, the golden frames are told, and the change is noted."""
    done = await promote(repository, "spot", 2, server)
    assert (done.recipe.version, done.before) == ("2", 1)
    assert [(each.golden.frame.name, each.passed) for each in done.checked] == [(name, True) for name in GREYS]
    assert repository.active("spot") == 2
    assert await _served(server) == "2"
    noted = history.read(repository, "spot").promotions
    assert [(each.what, each.before, each.version, each.unchecked) for each in noted] == [("promote", 1, 2, None)]
    assert abs((datetime.now(UTC) - noted[0].at).total_seconds()) < 60
    assert noted[0].user


async def test_models_are_loaded_before_the_ensemble_that_calls_them(
    repository: ModelRepository, server: FailingServer
) -> None:
    """Triton would take an ensemble from service whose models it has not loaded in that version."""
    await promote(repository, "spot", 2, server)
    assert server.loaded == ["spot_seg", "spot_cls", "spot", "spot_seg", "spot_cls"]


async def test_rollbacks_go_back_step_by_step(repository: ModelRepository, server: FailingServer) -> None:
    """Each to the version before; when there is none, that is said."""
    await promote(repository, "spot", 2, server)
    await promote(repository, "spot", 3, server)
    for version in (2, 1):
        assert (await rollback(repository, "spot", server)).recipe.version == str(version)
        assert repository.active("spot") == version
        assert await _served(server) == str(version)
    with pytest.raises(UnknownVersion, match="No version of recipe spot is known to have been in force before version"):
        await rollback(repository, "spot", server)


async def test_a_rollback_needs_no_golden_frames_at_hand(repository: ModelRepository, server: FailingServer) -> None:
    """In need nobody has the data set; the version was in force before."""
    await promote(repository, "spot", 2, server)
    (repository.folder("spot", 1) / "golden.json").unlink()
    done = await rollback(repository, "spot", server)
    assert (done.recipe.version, done.checked) == ("1", ())
    assert history.read(repository, "spot").promotions[-1].unchecked == "it was in force before"


async def test_a_version_that_judges_otherwise_is_refused(repository: ModelRepository, server: FailingServer) -> None:
    """The table shows each frame; nothing of the repository or of what is served has changed."""
    write_golden(repository.root, repository.recipe("spot", 2), GREYS, gain=1.0)
    before = _files(repository)
    with pytest.raises(GoldenFailed) as caught:
        await promote(repository, "spot", 2, server)
    sentence, *lines = caught.value.message.splitlines()
    assert sentence.startswith(
        "Version 2 of recipe spot judges 2 of 2 golden frames otherwise than at its export, so it"
    )
    assert lines == [
        "  frame       expected  score     now  score",
        "  bright.png  NOT_OK    0.980392  OK   0.490196  FAILED",
        "  dark.png    OK        0.078431  OK   0.039216  FAILED",
    ]
    assert before == _files(repository)
    assert await _served(server) == "1"


async def test_without_golden_frames_a_reason_is_needed(repository: ModelRepository, server: FailingServer) -> None:
    """It is kept in the history for ever."""
    (repository.folder("spot", 2) / "golden.json").unlink()
    with pytest.raises(
        GoldenFailed, match=r"No golden frame of version 2 .* can be checked \(it has none\); give --fra"
    ):
        await promote(repository, "spot", 2, server)
    with pytest.raises(InvalidParameter, match="--unchecked needs a reason of 1 to 500 characters"):
        await promote(repository, "spot", 2, server, Terms(unchecked=" "))
    await promote(repository, "spot", 2, server, Terms(unchecked="the line stands still"))
    assert history.read(repository, "spot").promotions[-1].unchecked == "the line stands still"


async def test_frames_that_are_not_shipped_are_found_by_name(
    repository: ModelRepository, server: FailingServer, tmp_path: Path
) -> None:
    """Whoever has the data set can check them; without it, it is said what to name."""
    write_golden(repository.root, repository.recipe("spot", 2), GREYS, gain=0.5, pictures=tmp_path / "data")
    with pytest.raises(GoldenFailed, match="its picture is not shipped; name the folder of the data set"):
        await promote(repository, "spot", 2, server)
    (tmp_path / "data" / "dark.png").unlink()
    done = await promote(repository, "spot", 2, server, Terms(pictures=tmp_path / "data"))
    found, missing = done.checked
    assert (found.passed, missing.passed) == (True, None)
    assert isinstance(missing.golden, Missing)
    assert "dark.png is not there" in missing.golden.why


async def test_a_damaged_model_is_refused_before_anything_is_loaded(
    repository: ModelRepository, server: FailingServer
) -> None:
    """A file cut short is never shown to the model server."""
    path = repository.root / "spot_seg/2/model.onnx"
    path.write_bytes(path.read_bytes()[:-9])
    before = _files(repository)
    with pytest.raises(DamagedModel, match=r"spot_seg/2/model\.onnx is damaged or cut short"):
        await promote(repository, "spot", 2, server)
    assert (before, []) == (_files(repository), server.loaded)


@pytest.mark.parametrize(
    ("version", "error", "said"),
    [
        (1, InvalidParameter, "Version 1 of recipe spot is in force already"),
        (9, UnknownVersion, "has no version 9"),
    ],
)
async def test_versions_that_cannot_be_promoted(
    repository: ModelRepository, server: FailingServer, version: int, error: type[FlawgateError], said: str
) -> None:
    """The sentence says why; nothing is loaded."""
    with pytest.raises(error, match=said):
        await promote(repository, "spot", version, server)
    assert server.loaded == []


@pytest.mark.parametrize("stays_away", [False, True])
@pytest.mark.parametrize("order", range(5))
async def test_a_server_that_goes_away_leaves_the_files_as_they_were(
    repository: ModelRepository, server: FailingServer, order: int, *, stays_away: bool
) -> None:
    """At whichever order: when it comes back, it loads the version before. If it is there to hear, it does at once."""
    server.fails_at, server.stays_away = order, stays_away
    before = _files(repository)
    with pytest.raises(ModelServerUnavailable, match="went away"):
        await promote(repository, "spot", 2, server)
    after = _files(repository)
    after.pop("spot/history.json", None)
    assert before == after
    assert history.read(repository, "spot").promotions == ()
    assert await _served(server) == "1"


async def test_an_interrupted_promotion_is_brought_to_an_end(
    repository: ModelRepository, server: FailingServer
) -> None:
    """The next one begins with a repository that is whole."""
    switch.load_only(repository, repository.recipe("spot", 1), [1, 2])
    await promote(repository, "spot", 3, server)
    assert repository.active("spot") == 3
    assert not switch.half_done(repository, repository.recipe("spot", 3))


async def test_nobody_promotes_while_another_process_changes_the_repository(
    repository: ModelRepository, server: FailingServer, holding: Path
) -> None:
    """An export on its way is waited for."""
    with pytest.raises(RepositoryBusy, match="Another process is changing the model repository"):
        await promote(ModelRepository(holding), "spot", 2, server)


async def test_a_repository_that_does_not_say_what_is_in_force(
    repository: ModelRepository, server: FailingServer
) -> None:
    """Nothing could be gone back to."""
    repository.config("spot").write_text('name: "spot"', "utf-8")
    for change in (promote(repository, "spot", 2, server), rollback(repository, "spot", server)):
        with pytest.raises(BrokenRecipe, match=r"spot/config\.pbtxt does not say which version is in force"):
            await change


async def _served(server: FailingServer) -> str:
    return {model.name: model.version for model in await server.models()}["spot"]


def _files(repository: ModelRepository) -> dict[str, bytes]:
    paths = (path for path in repository.root.rglob("*") if path.is_file() and path.name != lock.LOCK)
    return {str(path.relative_to(repository.root)): path.read_bytes() for path in paths}

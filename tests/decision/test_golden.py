"""Golden frames while serving: what makes a recipe untrusted, and what makes it trusted again."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs
from support.fakes import FakeModelServer
from support.golden import pattern_frame, write_golden
from support.served import spot_model
from support.tiny_repository import spot_recipe

from flawgate_contracts.errors import ModelFailure
from flawgate_contracts.golden import Golden
from flawgate_decision.catalogue import Catalogue, Trust
from flawgate_decision.entries import Counts, Entry, State
from flawgate_decision.reading import GoldenSource
from flawgate_inference.model_server import ServedModel, Tensors

GREYS = {"bright.png": 250, "dark.png": 20}
ZEROS = {"score": np.zeros((1, 1), np.float32), "mask": np.zeros((1, 1, 4, 3), np.float32)}
NANS = {"score": np.full((1, 1), np.nan, np.float32), "mask": np.zeros((1, 1, 4, 3), np.float32)}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with the golden frames of versions 1 and 2 of `spot`."""
    for version in ("1", "2"):
        (tmp_path / "spot" / version).mkdir(parents=True)
        write_golden(tmp_path, spot_recipe(version=version), GREYS)
    return tmp_path


def catalogue_of(
    server: FakeModelServer, repository: Path | None, *, interval_s: float = 0, **source: Any
) -> Catalogue:
    """A catalogue that checks at every look, unless told otherwise."""
    return Catalogue(
        server,
        probe_interval_s=0.01,
        golden_interval_s=interval_s,
        infer_timeout_s=5,
        source=GoldenSource(repository, **source),
    )


async def looked(catalogue: Catalogue) -> Entry:
    """`spot` after one more look."""
    await catalogue.refresh()
    return next(entry for entry in catalogue.entries if entry.name == "spot")


async def test_a_recipe_is_ready_once_it_judges_its_golden_frames(repository: Path) -> None:
    """What it says of them is kept: how many, when, how far from what was expected."""
    entry = await looked(catalogue_of(FakeModelServer([spot_model()]), repository))
    assert (entry.state, entry.detail, entry.passed, entry.counts) == (State.READY, "", True, Counts(passed=1))
    assert entry.check is not None
    assert (entry.check.passed, entry.check.failed, entry.check.missing) == (2, 0, ())
    assert entry.check.largest_difference == pytest.approx(0, abs=1e-6)


async def test_a_gpu_that_gives_zeros_makes_the_recipe_untrusted_until_it_is_healed(repository: Path) -> None:
    """The model server is reached and answers; the verdicts are worth nothing, and readiness goes."""
    server = FakeModelServer([spot_model()])
    catalogue = catalogue_of(server, repository)
    await catalogue.refresh()
    server.answers = ZEROS
    entry = await looked(catalogue)
    assert entry.state is State.UNTRUSTED
    assert entry.detail == "2 of 2 golden frames are judged otherwise than at its export; scores may differ by 0.0001."
    assert (entry.passed, entry.counts) == (False, Counts(passed=1, failed=1))
    assert entry.check is not None
    assert entry.check.largest_difference == pytest.approx(250 / 255, abs=1e-6)
    assert (catalogue.is_reachable(), catalogue.is_ready()) == (True, False)
    assert catalogue.get("spot").version == "1"
    assert catalogue.trust("spot") == Trust(is_given=False, failures=1)
    server.answers = None
    entry = await looked(catalogue)
    assert (entry.state, entry.detail, entry.counts) == (State.READY, "", Counts(passed=2, failed=1))
    assert catalogue.trust("spot") == Trust(is_given=True, failures=1)


async def test_a_failed_check_is_told_once_with_a_table(repository: Path) -> None:
    """The log says which frame was judged how, and does not say it again at every check."""
    server = FakeModelServer([spot_model()])
    server.answers = ZEROS
    catalogue = catalogue_of(server, repository)
    with capture_logs() as lines:
        for _ in range(3):
            await catalogue.refresh()
    (told,) = [line for line in lines if line["log_level"] == "error"]
    assert "bright.png  NOT_OK    0.980392  OK   0.000000  FAILED" in told["frames"]


class Failing(FakeModelServer):
    """Lists its models, but fails to run them while `fault` is set."""

    fault: Exception | None = None

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        if self.fault is not None:
            raise self.fault
        return await super().infer(model, version, inputs, outputs, timeout_s=timeout_s)


def _nans(server: Failing) -> None:
    server.answers = NANS


def _errors(server: Failing) -> None:
    server.fault = ModelFailure("CUDA error 719: unspecified launch failure.")


@pytest.mark.parametrize("break_it", [_nans, _errors], ids=["NaN", "errors"])
async def test_a_gpu_that_gives_no_answer_makes_the_recipe_unavailable(
    repository: Path, break_it: Callable[[Failing], None]
) -> None:
    """No verdict comes of it, so none can be overruled; the check counts as an error, and as not passed."""
    server = Failing([spot_model()])
    catalogue = catalogue_of(server, repository)
    passed = await looked(catalogue)
    break_it(server)
    entry = await looked(catalogue)
    assert (entry.state, entry.passed, entry.counts) == (State.UNAVAILABLE, False, Counts(passed=1, error=1))
    assert entry.check == passed.check
    assert not catalogue.is_ready()
    server.answers = server.fault = None
    assert (await looked(catalogue)).state is State.READY


async def test_a_bug_in_a_check_takes_the_recipe_out_of_use(repository: Path) -> None:
    """What nobody expected is no proof, and the next look tries again."""
    server = Failing([spot_model()])
    server.fault = ZeroDivisionError("bug")
    catalogue = catalogue_of(server, repository)
    assert (await looked(catalogue)).state is State.UNAVAILABLE
    server.fault = None
    assert (await looked(catalogue)).state is State.READY


async def test_a_golden_json_that_is_damaged_makes_the_recipe_untrusted_until_it_is_restored(repository: Path) -> None:
    """Nobody knows any more what the version should say; its models may be damaged as well."""
    file = repository / "spot/1/golden.json"
    whole = file.read_text()
    catalogue = catalogue_of(FakeModelServer([spot_model()]), repository)
    file.write_text(whole[:-40])
    entry = await looked(catalogue)
    assert (entry.state, entry.passed, entry.check) == (State.UNTRUSTED, False, None)
    assert entry.detail == f"{file} cannot be read; export the recipe again."
    file.write_text(whole)
    assert (await looked(catalogue)).state is State.READY


async def test_golden_frames_of_the_configuration_that_are_damaged_make_the_recipe_untrusted(repository: Path) -> None:
    """They count before those of the folder, which are whole here."""
    entry = await looked(catalogue_of(FakeModelServer([with_golden("{")]), repository))
    assert entry.state is State.UNTRUSTED
    assert "in the configuration of model spot cannot be read" in entry.detail


async def test_a_picture_that_is_lost_is_one_frame_that_is_missing(repository: Path) -> None:
    """The others still prove the version; the loss is logged once, and counted."""
    (repository / "spot/1/golden/0.png").unlink()
    catalogue = catalogue_of(FakeModelServer([spot_model()]), repository)
    with capture_logs() as lines:
        for _ in range(3):
            entry = await looked(catalogue)
    assert entry.state is State.READY
    assert entry.check is not None
    assert (entry.check.passed, [each.frame.name for each in entry.check.missing]) == (1, ["bright.png"])
    (told,) = [line for line in lines if line["log_level"] == "warning"]
    assert told["frames"] == [f"bright.png: {repository}/spot/1/golden/0.png is missing or no picture"]


async def test_a_version_that_has_lost_all_its_pictures_is_untrusted(repository: Path) -> None:
    """It has golden frames, and not one of them can say that all is well."""
    for file in (repository / "spot/1/golden").iterdir():
        file.write_bytes(b"no picture")
    entry = await looked(catalogue_of(FakeModelServer([spot_model()]), repository))
    assert (entry.state, entry.passed, entry.counts) == (State.UNTRUSTED, False, Counts(failed=1))
    assert entry.detail.startswith("None of its golden frames can be checked: ")


async def test_frames_of_a_data_set_are_checked_where_it_is_at_hand(tmp_path: Path) -> None:
    """Without it an even frame proves that the models answer, and nothing is said of golden frames."""
    (tmp_path / "spot/1").mkdir(parents=True)
    write_golden(tmp_path, spot_recipe(), GREYS, pictures=tmp_path / "data")
    server = FakeModelServer([spot_model()])
    without = await looked(catalogue_of(server, tmp_path))
    assert (without.state, without.passed, without.counts, server.inferences) == (State.READY, None, Counts(), 1)
    assert without.check is not None
    assert len(without.check.missing) == 2
    with_it = await looked(catalogue_of(server, tmp_path, pictures=tmp_path / "data"))
    assert (with_it.passed, with_it.counts, server.inferences) == (True, Counts(passed=1), 3)


@pytest.mark.parametrize(
    ("score", "state"),
    [(194 / 255, State.READY), (0.75, State.UNTRUSTED)],
    ids=["as expected", "otherwise"],
)
async def test_the_pattern_of_blocks_needs_no_file(score: float, state: State) -> None:
    """A recipe of a bucket far away is checked too: by what its configuration says, and a frame that is made anew."""
    golden = Golden(tolerance=1e-4, frames=(pattern_frame(spot_recipe(), "OK", score),))
    entry = await looked(catalogue_of(FakeModelServer([with_golden(golden.model_dump_json())]), None))
    assert (state, state is State.READY) == (entry.state, entry.passed)


async def test_a_promoted_version_is_judged_by_its_own_golden_frames(repository: Path) -> None:
    """It is checked at once, whenever the one before was; the counts go on."""
    server = FakeModelServer([spot_model()])
    catalogue = catalogue_of(server, repository, interval_s=60)
    await catalogue.refresh()
    write_golden(repository, spot_recipe(version="2"), GREYS, gain=0.5)
    server.served = [spot_model(version="2")]
    entry = await looked(catalogue)
    assert (entry.state, entry.counts) == (State.UNTRUSTED, Counts(passed=1, failed=1))
    assert entry.recipe is not None
    assert entry.recipe.version == "2"


async def test_a_lost_model_server_takes_trust_neither_way(repository: Path) -> None:
    """An untrusted recipe is unavailable while the server is gone, and untrusted again if that has healed nothing."""
    server = FakeModelServer([spot_model()])
    server.answers = ZEROS
    catalogue = catalogue_of(server, repository, interval_s=60)
    await catalogue.refresh()
    server.down = ModelFailure("gone")
    assert (await looked(catalogue)).state is State.UNAVAILABLE
    server.down = None
    assert (await looked(catalogue)).state is State.UNTRUSTED


class Stuck(FakeModelServer):
    """Runs `stuck` for ever."""

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        if model == "stuck":
            await asyncio.sleep(3600)
        return await super().infer(model, version, inputs, outputs, timeout_s=timeout_s)


async def test_a_recipe_that_hangs_keeps_no_other_waiting() -> None:
    """The others become ready, are promoted and judged anew while it is still being tried."""
    server = Stuck([spot_model(), spot_model(spot_recipe(name="stuck"))])
    catalogue = catalogue_of(server, None)
    watching = asyncio.ensure_future(catalogue.watch())
    await until(lambda: catalogue.entries != [] and catalogue.entries[0].is_in_use)
    server.served[0] = spot_model(version="2")
    await until(lambda: catalogue.get("spot").version == "2")
    before = server.inferences
    await until(lambda: server.inferences > before + 2)
    assert [entry.state for entry in catalogue.entries] == [State.READY, State.UNAVAILABLE]
    watching.cancel()


async def test_a_disk_that_hangs_makes_its_recipe_untrusted_and_keeps_no_other_waiting(repository: Path) -> None:
    """Nobody knows any more whether it judges as it must; once the disk answers, it is checked and trusted again."""
    (repository / "other/1").mkdir(parents=True)
    write_golden(repository, spot_recipe(name="other"), GREYS)
    server = FakeModelServer([spot_model(), spot_model(spot_recipe(name="other"))])
    catalogue = Catalogue(
        server, probe_interval_s=0.01, golden_interval_s=0, infer_timeout_s=2, source=GoldenSource(repository)
    )
    assert (await looked(catalogue)).state is State.READY
    golden = repository / "spot/1/golden.json"
    said = golden.read_bytes()
    golden.unlink()
    os.mkfifo(golden)  # whoever reads it waits for a writer
    for _ in range(2):
        entry = await looked(catalogue)
    other = next(entry for entry in catalogue.entries if entry.name == "other")
    assert (entry.state, other.state, other.counts) == (State.UNTRUSTED, State.READY, Counts(passed=3))
    assert entry.detail.startswith("The golden frames of recipe spot could not be read within 2 s")
    await until(lambda: [thread.name for thread in threading.enumerate()].count("golden-frames") == 1)
    await asyncio.to_thread(golden.write_bytes, said)
    golden.unlink()
    golden.write_bytes(said)
    assert (await looked(catalogue)).state is State.READY


async def test_routine_checks_take_turns(repository: Path) -> None:
    """Many recipes do not all ask at once: the frames of parts come between."""
    names = ("spot", "spot_b", "spot_c", "spot_d")
    server = FakeModelServer([spot_model(spot_recipe(name=name.replace("_", ""))) for name in names])
    catalogue = catalogue_of(server, repository)
    await catalogue.refresh()
    server.at_once, server.delay_s = 0, 0.01
    await catalogue.refresh()
    assert server.at_once == 1


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it, five seconds at most."""
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come to that")


def with_golden(text: str) -> ServedModel:
    """`spot` with that parameter `golden`."""
    model = spot_model()
    return ServedModel(model.name, "1", ready=True, parameters={**model.parameters, "golden": text})

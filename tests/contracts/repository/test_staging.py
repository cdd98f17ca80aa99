import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from support.killed import Task, kill_before_each_step
from support.tiny_repository import write_spot

from flawgate_contracts.errors import DiskFull, InvalidParameter
from flawgate_contracts.repository import staging
from flawgate_contracts.repository.layout import CONFIG, RECIPE, ModelRepository
from flawgate_contracts.repository.lock import LOCK, changing

MODELS = ("spot_seg", "spot_cls")
MAX_STEPS = 10


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Version 1 of `spot`, ready to be published."""
    write_spot(tmp_path / "first")
    return tmp_path / "first"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Version 2 of it, with configurations of its own."""
    write_spot(tmp_path / "second", version="2", gain=0.5)
    for name in ("spot", *MODELS):
        (tmp_path / "second" / name / CONFIG).write_text("of the second version")
    return tmp_path / "second"


def _publish(root: Path, version: int, prepared: Path) -> None:
    with changing(root):
        staging.publish(root, "spot", version, partial(_copy, prepared))


def _copy(prepared: Path, folder: Path) -> None:
    shutil.copytree(prepared, folder, dirs_exist_ok=True)


def test_a_first_version_comes_with_its_configurations(tmp_path: Path, first: Path) -> None:
    """All that was written is there, nothing else but the lock."""
    root = tmp_path / "repository"
    _publish(root, 1, first)
    assert _contents(first) == _contents(root)


def test_a_second_version_touches_nothing_that_is_there(first: Path, second: Path) -> None:
    """Only its own folders come in; the configurations in force stay."""
    before = _contents(first)
    _publish(first, 2, second)
    after = _contents(first)
    assert before.items() <= after.items()
    new = {"spot_seg/2/model.onnx", "spot_cls/2/model.onnx", "spot/2/recipe.json", "spot/2/ensemble.pbtxt"}
    assert new == after.keys() - before.keys()


def test_a_version_that_exists_is_never_written_over(first: Path, second: Path) -> None:
    """The second export of the same number is refused, and what is there stays."""
    _publish(first, 2, second)
    before = _contents(first)
    with pytest.raises(InvalidParameter, match="Version 2 of recipe spot is there already"):
        _publish(first, 2, second)
    assert before == _contents(first)


def test_a_folder_in_the_way_is_told(first: Path, second: Path) -> None:
    """A model's version folder that no recipe brought is nobody's to remove."""
    (first / "spot_seg" / "2").mkdir()
    (first / "spot_seg" / "2" / "note.txt").touch()
    before = _contents(first)
    with pytest.raises(InvalidParameter, match="spot_seg/2 is in the way of version 2 of recipe spot"):
        _publish(first, 2, second)
    assert before == _contents(first)


def test_models_of_nobody_are_in_the_way_of_a_new_recipe(tmp_path: Path, first: Path) -> None:
    """Their configuration would stay in force, and would not load what is published."""
    write_spot(tmp_path / "repository")
    shutil.rmtree(tmp_path / "repository" / "spot")
    before = _contents(tmp_path / "repository")
    with pytest.raises(InvalidParameter, match="spot_cls is in the way of version 1 of recipe spot"):
        _publish(tmp_path / "repository", 1, first)
    assert before == _contents(tmp_path / "repository")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a bug")])
def test_what_fails_while_it_is_written_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    """Neither a full disk nor a bug changes the repository."""

    def fill(folder: Path) -> None:
        (folder / "spot_seg").mkdir()
        raise error

    write_spot(tmp_path)
    before = _contents(tmp_path)
    with pytest.raises(DiskFull if isinstance(error, OSError) else ValueError):
        staging.publish(tmp_path, "spot", 2, fill)
    assert before == _contents(tmp_path)


def test_killed_before_any_step_a_first_version_is_there_whole_or_not_at_all(tmp_path: Path, first: Path) -> None:
    """The next command clears up, and the same export succeeds then."""
    for root, killed in _killed(tmp_path, "publish", 1, first):
        assert not (root / "spot" / "1" / RECIPE).exists() or _model_files(root) == {"1"}
        with changing(root):
            there = ModelRepository(root).versions("spot")
        if killed and not there:
            assert sorted(path.name for path in root.iterdir()) == [LOCK]
            _publish(root, 1, first)
        assert _contents(first) == _contents(root)


def test_killed_before_any_step_a_second_version_is_there_whole_or_not_at_all(
    tmp_path: Path, first: Path, second: Path
) -> None:
    """The first is as it was all the time, down to the bytes."""
    before = _contents(first)
    for root, killed in _killed(tmp_path, "publish", 2, second, start=first):
        assert before.items() <= _contents(root).items()
        with changing(root):
            there = ModelRepository(root).versions("spot")
        if killed and there == (1,):
            assert before == _contents(root)
        else:
            assert _model_files(root) == {"1", "2"}


def test_killed_before_any_step_a_removal_is_finished_by_the_next_command(
    tmp_path: Path, first: Path, second: Path
) -> None:
    """Of a version that was to go nothing stays, and nothing else goes."""
    before = _contents(first)
    _publish(first, 2, second)
    for root, killed in _killed(tmp_path, "remove", 2, start=first):
        untouched = killed and not (root / "spot" / staging.STAGING / "journal.json").exists()
        with changing(root):
            pass
        assert untouched or before == _contents(root)
        assert before.items() <= _contents(root).items()


def test_staging_stands_within_a_model_as_triton_passes_over_it_there(tmp_path: Path, first: Path) -> None:
    """A folder in the root without config.pbtxt is a model that Triton fails to load."""
    write_spot(tmp_path / "repository", name="other")
    seen: list[list[str]] = []
    staging.publish(
        tmp_path / "repository",
        "spot",
        1,
        partial(_copy, first),
        lambda step: seen.append(sorted(path.name for path in (tmp_path / "repository").iterdir())),
    )
    assert [name for names in seen for name in names if name.startswith(".")] == []
    assert seen[0] == ["other", "other_cls", "other_seg"]


def test_a_disk_that_cannot_be_written_to_is_told(tmp_path: Path, first: Path, second: Path) -> None:
    """A mount that is read-only is refused with a sentence, for the lock as for an export."""
    with _read_only(first, tmp_path / "mounted") as root:
        with pytest.raises(InvalidParameter, match=r"\.flawgate\.lock cannot be written to \(Read-only file system\)"):
            _publish(root, 2, second)
        with pytest.raises(InvalidParameter, match=r"cannot be written to \(Read-only file system\)"):
            staging.publish(root, "spot", 2, partial(_copy, second))


@contextmanager
def _read_only(folder: Path, at: Path) -> Iterator[Path]:
    """A read-only view of a folder; skips the test where this process may mount nothing."""
    at.mkdir()
    try:
        _mount("mount", "--bind", str(folder), str(at))
        _mount("mount", "-o", "remount,bind,ro", str(at))
        yield at
    finally:
        subprocess.run(["/usr/bin/env", "umount", str(at)], capture_output=True, check=False)


def _mount(*command: str) -> None:
    if subprocess.run(["/usr/bin/env", *command], capture_output=True, check=False).returncode != 0:
        pytest.skip("this process may not mount a folder read-only")


def _killed(
    folder: Path,
    action: Literal["publish", "remove"],
    version: int,
    prepared: Path | None = None,
    start: Path | None = None,
) -> Iterator[tuple[Path, bool]]:
    """Repositories in which the action was killed before its first step, its second and so on; last a finished one."""
    roots = [folder / f"killed-{step}" for step in range(MAX_STEPS)]
    for root in roots:
        shutil.copytree(start, root) if start else root.mkdir()
    killed = kill_before_each_step(
        action, [Task(root=root, recipe="spot", version=version, prepared=prepared) for root in roots]
    )
    assert killed > 3
    for step in range(killed + 1):
        yield roots[step], step < killed


def _model_files(root: Path) -> set[str]:
    """Versions for which both models are there, of all for which either is."""
    found = [{path.parent.name for path in (root / model).glob("*/model.onnx")} for model in MODELS]
    return found[0] & found[1]


def _contents(root: Path) -> dict[str, bytes]:
    """All files but the lock's."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != LOCK)
    return {os.fspath(path.relative_to(root)): path.read_bytes() for path in files}

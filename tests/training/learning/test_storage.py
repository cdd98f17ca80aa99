import errno
import itertools
import multiprocessing
import os
import time
from pathlib import Path

import pytest
import torch

from flawgate_contracts.errors import DiskFull, InvalidParameter
from flawgate_training.learning.storage import (
    WholeCheckpoints,
    restore,
    save,
    telling_of_full_disks,
    write_whole,
)

FULL = Path("/dev/full")


def write_on(path: Path) -> None:
    """Write one state after the other, for ever."""
    for number in itertools.count():
        save({"number": number, "weights": torch.full((500_000,), float(number))}, path)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_file_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    """However a process is killed while it writes checkpoints, the newest one can be read, and is one whole state."""
    path = tmp_path / "last.ckpt"
    save({"number": -1, "weights": torch.full((500_000,), -1.0)}, path)
    for delay in (0.03, 0.04, 0.05, 0.06, 0.07):
        before = path.stat().st_mtime_ns
        writer = multiprocessing.get_context("fork").Process(target=write_on, args=[path])
        writer.start()
        while path.stat().st_mtime_ns == before:
            time.sleep(0.001)
        time.sleep(delay)
        writer.kill()
        writer.join()
        state = restore(path)
        assert bool((state["weights"] == state["number"]).all())


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """A second value takes the place of the first, and nothing else stays in the folder."""
    for number in (1, 2):
        save({"number": number}, tmp_path / "state.pt")
    assert restore(tmp_path / "state.pt") == {"number": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full, which says that no space is left")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """Where no space is left, the folder is named, what stood there before is whole, and nothing half-written stays."""
    path = tmp_path / "state.pt"
    save({"number": 1}, path)
    (tmp_path / ".state.pt.part").symlink_to(FULL)
    with pytest.raises(DiskFull, match=f"No space is left in {tmp_path}"):
        save({"number": 2}, path)
    assert restore(path) == {"number": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    """Only a full disk is told as one."""
    with pytest.raises(FileNotFoundError), telling_of_full_disks(tmp_path):
        write_whole(tmp_path / "nowhere" / "state.pt", b"")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_of_others(tmp_path: Path, number: int) -> None:
    """What the system says to a library is told alike."""
    with pytest.raises(DiskFull, match=f"No space is left in {tmp_path}"), telling_of_full_disks(tmp_path):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", None])
def test_a_broken_checkpoint_is_named(tmp_path: Path, damage: bytes | None) -> None:
    """A checkpoint that others broke or cut short is named, with what to do."""
    path = tmp_path / "last.ckpt"
    save({"weights": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000] if damage is None else damage)
    with pytest.raises(InvalidParameter, match=r"last\.ckpt cannot be read; remove it"):
        restore(path)


def test_checkpoints_run_no_code(tmp_path: Path) -> None:
    """Lightning's checkpoints are read as plain values: an object in one is refused."""
    path = tmp_path / "made" / "last.ckpt"
    checkpoints = WholeCheckpoints()
    checkpoints.save_checkpoint({"object": FULL}, path)
    with pytest.raises(InvalidParameter):
        checkpoints.load_checkpoint(path, weights_only=False)
    checkpoints.remove_checkpoint(path)
    assert not path.exists()

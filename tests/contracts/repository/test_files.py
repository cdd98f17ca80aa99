from pathlib import Path

import pytest

from flawgate_contracts.errors import DiskFull, InvalidParameter
from flawgate_contracts.repository.files import write_whole

FULL = Path("/dev/full")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new content stands there, and nothing else."""
    path = tmp_path / "config.pbtxt"
    for content in (b"old", b"new"):
        write_whole(path, content)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("config.pbtxt", b"new")]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full, which says that no space is left")
def test_on_a_full_disk_the_old_file_stays(tmp_path: Path) -> None:
    """The folder is named, what stood there is whole, and nothing half-written stays."""
    path = tmp_path / "config.pbtxt"
    write_whole(path, b"old")
    (tmp_path / ".config.pbtxt.part").symlink_to(FULL)
    with pytest.raises(DiskFull, match=f"No space is left in {tmp_path}"):
        write_whole(path, b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("config.pbtxt", b"old")]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """A file where the folder should be is as good as a disk that cannot be written to."""
    (tmp_path / "file").touch()
    with pytest.raises(InvalidParameter, match=r"file/.config.pbtxt.part cannot be written to \(Not a directory\)"):
        write_whole(tmp_path / "file" / "config.pbtxt", b"new")

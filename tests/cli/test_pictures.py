from pathlib import Path

import pytest

from flawgate_cli.inspecting.pictures import find_pictures
from flawgate_contracts.errors import InvalidParameter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set as KolektorSDD lays it out, with other files beside it."""
    for name in (
        "kos02/Part1.jpg",
        "kos01/Part0.jpg",
        "kos01/Part0_label.bmp",
        "kos01/deep/er/X.TIFF",
        "notes.txt",
        "b.PNG",
        "c.png.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def test_folders_are_walked_and_labels_left_out(folder: Path) -> None:
    """Pictures of every depth, in sorted order; no label, no other file, no folder with a picture's name."""
    found = [path.relative_to(folder).as_posix() for path in find_pictures([folder])]
    assert found == ["b.PNG", "kos01/Part0.jpg", "kos01/deep/er/X.TIFF", "kos02/Part1.jpg"]


def test_a_named_file_is_taken_as_it_is(folder: Path) -> None:
    """Whoever names a file means it, whatever its ending; the order is the caller's."""
    named = [folder / "notes.txt", folder / "kos01/Part0_label.bmp", folder / "b.PNG"]
    assert find_pictures(named) == named


def test_a_path_that_is_not_there_is_named(folder: Path) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidParameter, match=r"no file or folder .*nowhere"):
        find_pictures([folder, folder / "nowhere"])


def test_no_picture_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    """An empty folder is most likely a wrong one."""
    with pytest.raises(InvalidParameter, match=r"\.bmp, \.jpeg, \.jpg, \.png"):
        find_pictures([tmp_path])

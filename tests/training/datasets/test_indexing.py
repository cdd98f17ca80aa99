from pathlib import Path

import pytest
from support.picture_folders import cut_off, picture

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.files import FileSource
from flawgate_training.datasets.indexing import Entry, index


def entries(folder: Path, count: int) -> list[Entry]:
    """Pictures of one class, in the wrong order."""
    names = [f"{number:02}" for number in range(count)]
    for name in names:
        picture(folder / f"{name}.png")
    return [Entry(name, name, FileSource(folder, f"{name}.png"), label=0) for name in reversed(names)]


def test_in_order(tmp_path: Path) -> None:
    """Items come ordered by name, with checksums of their own."""
    found = index(entries(tmp_path, 20), skip_corrupt=False)
    assert [item.name for item in found.items] == [f"{number:02}" for number in range(20)]
    assert len({item.sha256 for item in found.items}) == 20
    assert len({item.pixels_sha256 for item in found.items}) == 20


def test_ten_are_named_and_all_counted(tmp_path: Path) -> None:
    """Of twelve corrupt pictures, the first ten are named and all are counted."""
    listed = entries(tmp_path, 20)
    for number in range(12):
        cut_off(tmp_path / f"{number:02}.png")
    with pytest.raises(InvalidDataset, match=r"09\.png \(.*\), \.\.\. \(12 in all\); repair or remove") as caught:
        index(listed, skip_corrupt=False)
    assert caught.value.message.count(".png (") == 10
    assert index(listed, skip_corrupt=True).skipped == tuple(f"{number:02}" for number in range(12))


def test_nothing_but_corrupt_pictures(tmp_path: Path) -> None:
    """Where no picture can be read, leaving them out is no help."""
    listed = entries(tmp_path, 2)
    for name in ("00", "01"):
        cut_off(tmp_path / f"{name}.png")
    with pytest.raises(InvalidDataset, match=r"\(2 in all\)"):
        index(listed, skip_corrupt=True)


def test_gone_after_it_was_indexed(tmp_path: Path) -> None:
    """A picture that is missing when it is read is named then."""
    item = index(entries(tmp_path, 1), skip_corrupt=False).items[0]
    (tmp_path / "00.png").unlink()
    with pytest.raises(InvalidDataset, match=r"00\.png \(No such file or directory\)"):
        item.source.read()

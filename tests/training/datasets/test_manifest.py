import json
from hashlib import sha256
from pathlib import Path

import pytest
from support.picture_folders import mask, picture

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets import manifest
from flawgate_training.datasets.items import Dataset
from flawgate_training.datasets.loading import load
from flawgate_training.experiment.data import ImageMaskFolderData, TextureData


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures with masks and a good one."""
    root = tmp_path / "data"
    for name in ("a", "b"):
        picture(root / f"images/{name}.png")
        mask(root / f"masks/{name}.png", 255)
    picture(root / "good/c.png")
    return root


def dataset(folder: Path) -> Dataset:
    """As it is now."""
    return load(ImageMaskFolderData(), folder)


def test_all_files_are_in_it(tmp_path: Path, folder: Path) -> None:
    """Pictures and masks stand in it with size and SHA-256, and one digest is over all."""
    path = tmp_path / manifest.NAME
    manifest.write(path, dataset(folder))
    written = json.loads(path.read_text())
    assert (written["name"], written["count"]) == ("own pictures of data", 5)
    assert list(written["files"]) == ["good/c.png", "images/a.png", "images/b.png", "masks/a.png", "masks/b.png"]
    for name, file in written["files"].items():
        data = (folder / name).read_bytes()
        assert file == {"sha256": sha256(data).hexdigest(), "size_bytes": len(data)}


def test_unchanged(tmp_path: Path, folder: Path) -> None:
    """The same files pass, also from another place."""
    path = tmp_path / manifest.NAME
    manifest.write(path, dataset(folder))
    manifest.verify(path, dataset(folder.rename(tmp_path / "elsewhere")))


def test_differences_are_named(tmp_path: Path, folder: Path) -> None:
    """Changed, missing and new files are named, each kind by itself."""
    path = tmp_path / manifest.NAME
    manifest.write(path, dataset(folder))
    mask(folder / "masks/a.png", 255, 255)
    (folder / "good/c.png").unlink()
    picture(folder / "good/d.png")
    with pytest.raises(
        InvalidDataset,
        match=r"changed are masks/a\.png \(1 in all\), and missing are good/c\.png \(1 in all\), "
        r"and new are good/d\.png \(1 in all\); restore them",
    ):
        manifest.verify(path, dataset(folder))


def test_generated(tmp_path: Path) -> None:
    """A generated data set has a manifest too, which knows another number of frames."""
    path = tmp_path / manifest.NAME
    manifest.write(path, load(TextureData(train=4, test=4), None))
    assert manifest.read(path).count == 8
    manifest.verify(path, load(TextureData(train=4, test=4), None))
    with pytest.raises(InvalidDataset, match=r"new are .*/4, .*/5 \(2 in all\)"):
        manifest.verify(path, load(TextureData(train=6, test=4), None))


@pytest.mark.parametrize("content", [None, "{}", "nonsense"])
def test_no_manifest(tmp_path: Path, content: str | None) -> None:
    """A file that is missing or something else is named."""
    path = tmp_path / manifest.NAME
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidDataset, match=r"manifest\.json is no manifest of a data set"):
        manifest.read(path)

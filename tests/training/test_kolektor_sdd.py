from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.steps import Grey, Resize
from flawgate_training.config import KolektorData
from flawgate_training.datasets.kolektor_sdd import TWINS, load
from flawgate_training.datasets.samples import Sample
from flawgate_training.datasets.splits import kolektor_split

STEPS = (Grey(), Resize(height=64, width=32))


def picture(path: Path, pixels: np.ndarray) -> None:
    """Write a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def folder_of_two(root: Path, *, suffix: str = "bmp", mark: int = 1) -> Path:
    """Two frames of 60×30 pixels of one commutator; the second one is defective at one pixel."""
    label = np.zeros((60, 30))
    picture(root / "kos26" / "Part0.jpg", np.full((60, 30), 90))
    picture(root / "kos26" / f"Part0_label.{suffix}", label)
    label[30, 15] = mark
    picture(root / "kos26" / "Part1.jpg", np.full((60, 30), 200))
    picture(root / "kos26" / f"Part1_label.{suffix}", label)
    return root


@pytest.mark.parametrize("suffix", ["bmp", "png"])
@pytest.mark.parametrize("mark", [1, 255])
def test_reads_the_published_layout(tmp_path: Path, suffix: str, mark: int) -> None:
    """Frames come prepared by the steps, labels as BMP or PNG and of any mark above 0; kos26 is grouped with kos01."""
    good, defective = load(folder_of_two(tmp_path, suffix=suffix, mark=mark), steps=STEPS, dilation=5)
    assert [(sample.name, sample.group, sample.defective) for sample in (good, defective)] == [
        ("kos26/Part0", "kos01", False),
        ("kos26/Part1", "kos01", True),
    ]
    assert (good.pixels.shape, good.mask.shape) == ((64, 32), (64, 32))
    assert (int(good.mask.max()), int(defective.mask.max())) == (0, 255)
    assert (int(good.pixels.mean()), int(defective.pixels.mean())) == (90, 200)


def without_folder(root: Path) -> None:
    """The folder is elsewhere."""
    root.rename(root.with_name("elsewhere"))


def without_frames(root: Path) -> None:
    """The folder is empty."""
    for path in root.glob("kos26/*"):
        path.unlink()


def without_label(root: Path) -> None:
    """A label is missing."""
    (root / "kos26" / "Part1_label.bmp").unlink()


def without_frame(root: Path) -> None:
    """A frame is missing."""
    (root / "kos26" / "Part1.jpg").unlink()


def with_other_size(root: Path) -> None:
    """A label has one row too many."""
    picture(root / "kos26" / "Part1_label.bmp", np.ones((61, 30)))


def with_damage(root: Path) -> None:
    """A frame is cut off."""
    path = root / "kos26" / "Part1.jpg"
    path.write_bytes(path.read_bytes()[:200])


def without_defects(root: Path) -> None:
    """No label marks anything."""
    picture(root / "kos26" / "Part1_label.bmp", np.zeros((60, 30)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_folder, "There is no folder .*; give the one that holds kos01 to kos50"),
        (without_frames, r"No frame kosNN/PartN\.jpg is under"),
        (without_label, "kos26/Part1 under .* has a frame but no label"),
        (without_frame, "kos26/Part1 under .* has a label but no frame"),
        (with_other_size, "Part1_label.bmp is 61×30 pixels .* but its frame is 60×30"),
        (with_damage, r"Part1\.jpg cannot be read: "),
        (without_defects, "No label under .* marks a defect"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, change: Callable[[Path], None], sentence: str) -> None:
    """Each fault of the folder is one sentence that names the place."""
    root = folder_of_two(tmp_path / "data")
    change(root)
    with pytest.raises(InvalidParameter, match=sentence):
        load(root, steps=STEPS, dilation=1)


@pytest.fixture(scope="module")
def real(kolektor_folder: Path) -> list[Sample]:
    """All frames of the real data set, made small."""
    return load(kolektor_folder, steps=STEPS, dilation=1)


def test_the_real_one_is_complete(real: list[Sample]) -> None:
    """KolektorSDD has 399 frames of 50 commutators, 52 of them defective."""
    assert len(real) == 399
    assert sum(sample.defective for sample in real) == 52
    assert len({sample.name.split("/")[0] for sample in real}) == 50


def test_twins_are_the_same_frames(kolektor_folder: Path) -> None:
    """What is declared a repeated commutator repeats the other one's frames, byte for byte."""
    for twin, original in TWINS.items():
        digests = [
            Counter(sha256(path.read_bytes()).hexdigest() for path in (kolektor_folder / name).glob("*.jpg"))
            for name in (twin, original)
        ]
        assert digests[0] == digests[1]


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_twins_stay_together(real: list[Sample], fold: int) -> None:
    """No test commutator, nor its twin, is trained on."""
    split = kolektor_split(KolektorData(fold=fold), real)
    assert {sample.group for sample in split.train}.isdisjoint(sample.group for sample in split.test)
    assert len(split.train) + len(split.test) == 399
    assert sum(sample.defective for sample in split.test) in (17, 18)


def test_no_such_fold() -> None:
    """A fold beyond the last one is refused."""
    with pytest.raises(InvalidParameter, match="There is no fold 3; choose 0 to 2"):
        kolektor_split(KolektorData(fold=3), [])

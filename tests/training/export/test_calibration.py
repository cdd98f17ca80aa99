from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidDataset
from flawgate_contracts.steps import Grey
from flawgate_contracts.tiling import Tiling
from flawgate_training.datasets.items import Item, Picture
from flawgate_training.datasets.samples import Preparation, Samples
from flawgate_training.export import calibration

TILES = Tiling(height=4, width=4, stride_y=4, stride_x=4)


@dataclass(frozen=True)
class Numbered:
    """A picture whose pixels are its number; a defect is marked in some columns."""

    number: int
    marked: slice | None

    def read(self) -> Picture:
        """See `Source`."""
        mask = np.zeros((4, 16), np.uint8)
        if self.marked is not None:
            mask[:, self.marked] = 1
        columns = np.arange(16, dtype=np.uint8)[None].repeat(4, axis=0) // 4
        return Picture(np.asarray(self.number * 4 + columns, np.uint8), mask)


def samples(*kinds: tuple[int, bool], first: int = 0, marked: slice | None = None) -> Samples:
    """One sample for each label and whether it is bad; their numbers count from `first`."""
    items = [
        Item(str(number), str(number), label, bad, "", Numbered(number, marked if bad else None))
        for number, (label, bad) in enumerate(kinds, first)
    ]
    return Samples(items, Preparation((Grey(),)), memory_bytes=1 << 20)


GOOD, BAD = (0, False), (1, True)


def numbers(frames: list[NDArray[np.uint8]]) -> list[int]:
    """Of the pictures that frames come from."""
    return [int(frame[0, 0]) // 4 for frame in frames]


def test_half_are_defective() -> None:
    """However rare defects are, half of the frames show them, evenly from the whole data set."""
    train = samples(*[GOOD] * 40, *[BAD] * 10)
    chosen = numbers(calibration.choose(train, samples(), frames=8))
    assert chosen == [40, 43, 46, 49, 0, 13, 26, 39]


def test_all_defective_ones_where_they_are_few() -> None:
    """Where fewer than half can be defective, all of them are taken, and no frame twice."""
    train = samples(*[GOOD] * 40, BAD, BAD)
    chosen = numbers(calibration.choose(train, samples(), frames=16))
    assert sorted(chosen[:2]) == [40, 41]
    assert len(chosen) == len(set(chosen)) == 10


def test_every_class_is_there() -> None:
    """Each class has its share of the frames, the rare ones too."""
    train = samples(*[GOOD] * 4, *[(1, True)] * 30, *[(2, True)] * 2, (3, True))
    chosen = numbers(calibration.choose(train, samples(), frames=12))
    labels = [train.items[number].label for number in chosen]
    assert {label: labels.count(label) for label in range(4)} == {0: 4, 1: 3, 2: 2, 3: 1}


def test_choosing_again_gives_the_same() -> None:
    """The same data give the same frames."""
    train = samples(*[GOOD] * 9, *[BAD] * 5)
    first, second = (calibration.choose(train, samples(), frames=6) for _ in range(2))
    assert numbers(first) == numbers(second)


def test_defects_of_validation_serve_where_training_has_none() -> None:
    """A network that learned from good parts alone is calibrated on the defective ones of validation too."""
    chosen = numbers(calibration.choose(samples(GOOD, GOOD), samples(GOOD, BAD, first=10), frames=4))
    assert chosen == [11, 0, 1]


def test_classes_of_which_none_is_bad() -> None:
    """Where no class means a bad part, as with stitches, the classes share the frames."""
    train = samples(*[(1, False)] * 5, *[(2, False)] * 5)
    assert numbers(calibration.choose(train, samples(), frames=4)) == [0, 4, 5, 9]


@pytest.mark.parametrize(
    ("kinds", "lacking"),
    [([GOOD], "no defective one is among those for training or validation"), ([BAD], "no good one")],
)
def test_refuses_one_kind_alone(kinds: list[tuple[int, bool]], lacking: str) -> None:
    """Without defective frames, or without good ones, int8 is refused, and the sentence says what to do."""
    with pytest.raises(InvalidDataset, match=f"{lacking}.*add some there, or export as fp32 or fp16"):
        calibration.choose(samples(*kinds), samples(), frames=4)


def test_tiles_show_the_defect() -> None:
    """Of a defective frame those tiles are taken that show the defect, most of it first; of good ones, each another."""
    train = samples(GOOD, GOOD, BAD, marked=slice(6, 12))
    chosen = calibration.choose(train, samples(), frames=4, tiling=TILES)
    assert [frame.shape for frame in chosen] == [(4, 4)] * 4
    assert [(int(frame[0, 0]) // 4, int(frame[0, 0]) % 4) for frame in chosen] == [(2, 2), (2, 1), (0, 0), (1, 1)]


def test_tiles_without_masks() -> None:
    """Where frames have labels alone, any tile of a defective frame may show the defect: they are taken in turn."""
    chosen = calibration.choose(samples(GOOD, BAD), samples(), frames=6, tiling=TILES)
    assert numbers(chosen) == [1, 1, 1, 0, 0, 0]
    assert len({int(frame[0, 0]) for frame in chosen}) == 6

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from flawgate_contracts.steps import Grey, Resize
from flawgate_training.datasets.items import Item, Picture
from flawgate_training.datasets.samples import Preparation, Samples, dilate

STEPS = (Grey(), Resize(height=8, width=16))


@dataclass(frozen=True)
class CountingSource:
    """A frame of 16×16 pixels, one of them marked, that counts how often it is read."""

    masked: bool = True
    reads: list[int] = field(default_factory=list)

    def read(self) -> Picture:
        """A coloured frame."""
        self.reads.append(1)
        mask = np.zeros((16, 16), np.uint8)
        mask[8, 8] = 2
        return Picture(np.full((16, 16, 3), 90, np.uint8), mask if self.masked else None)


def items(*sources: CountingSource) -> list[Item]:
    """One item for each source."""
    return [
        Item(f"{place}", f"part{place}", 2, defective=True, sha256="", source=source)
        for place, source in enumerate(sources)
    ]


def test_preparation() -> None:
    """Frames go through the recipe's steps, masks along in the same geometry, with their indices kept."""
    sample = Preparation(STEPS, dilation=5)(items(CountingSource())[0])
    assert (sample.name, sample.group, sample.label, sample.defective) == ("0", "part0", 2, True)
    assert (sample.pixels.shape, sample.mask.shape) == ((8, 16), (8, 16))
    assert set(sample.mask.ravel().tolist()) == {0, 2}


def test_without_masks() -> None:
    """Where the data set has labels alone, nothing is marked."""
    sample = Preparation(STEPS)(items(CountingSource(masked=False))[0])
    assert not sample.mask.any()


@pytest.mark.parametrize(("side", "marked"), [(1, 1), (5, 25), (9, 81)])
def test_dilation(side: int, marked: int) -> None:
    """A marked pixel grows into a square of that side."""
    mask = np.zeros((16, 16), np.uint8)
    mask[8, 8] = 1
    assert int(dilate(mask, side).sum()) == marked


def read_twice(samples: Sequence[object]) -> None:
    """All samples, two times."""
    for _ in range(2):
        assert len(list(samples)) == 2


@pytest.mark.parametrize(("memory", "reads"), [(0, [2, 2]), (8 * 16 * 2, [1, 2]), (1 << 20, [1, 1])])
def test_memory_is_bounded(memory: int, reads: list[int]) -> None:
    """What fits into the memory allowed is prepared once, the rest at every use."""
    sources = [CountingSource(), CountingSource()]
    read_twice(Samples(items(*sources), Preparation(STEPS), memory_bytes=memory))
    assert [len(source.reads) for source in sources] == reads


def test_slices() -> None:
    """Samples are taken by position from either end, and by slice."""
    samples = Samples(items(CountingSource(), CountingSource()), Preparation(STEPS), memory_bytes=0)
    assert (samples[-1].name, [sample.name for sample in samples[:1]]) == ("1", ["0"])

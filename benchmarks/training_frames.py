"""What `training.py` learns from: noise of the right size, with a rectangle for a defect. Speed asks for no more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flawgate_training.datasets.items import Item, Picture
from flawgate_training.datasets.samples import Preparation, Samples
from flawgate_training.experiment.schema import Experiment

_MEMORY_BYTES = 2 << 30


@dataclass(frozen=True)
class Noise:
    """A frame as large as the network's input, so that no step of the preparation costs memory beside it."""

    seed: int
    height: int
    width: int
    label: int

    def read(self) -> Picture:
        """Grey noise, (H, W), and its mask."""
        rng = np.random.default_rng(self.seed)
        mask = np.zeros((self.height, self.width), np.uint8)
        mask[self.height // 4 : self.height // 2, self.width // 4 : self.width // 2] = self.label
        return Picture(rng.integers(0, 256, mask.shape).astype(np.uint8), mask)


def samples(experiment: Experiment, count: int, classes: Sequence[str]) -> Samples:
    """As many frames of all classes in turn, prepared and in memory, as they are from the second epoch on."""
    size = experiment.prepared
    items = [
        Item(f"{seed}", f"{seed}", label, label > 0, f"{seed}", Noise(seed, size.height, size.width, label))
        for seed, label in ((number, number % len(classes)) for number in range(count))
    ]
    made = Samples(items, Preparation(experiment.steps), memory_bytes=_MEMORY_BYTES)
    made[:]  # reads them all
    return made

"""Generated sewing stitches in the six classes of paper a (section 3), from `flawgate_imaging.stitches`.

Source: made by Flawgate, after the classes of paper a, whose pictures are not public: colour × direction of the seam.
Licence of the pictures and of weights trained on them: that of Flawgate itself, Apache-2.0. Every figure measured on
them is a synthetic one. Layout: none, a picture is made from its seed when it is read.
"""

from dataclasses import dataclass
from hashlib import sha256

from flawgate_imaging.stitches import CLASSES as STITCH_CLASSES
from flawgate_imaging.stitches import generate
from flawgate_training.datasets.about import About
from flawgate_training.datasets.items import Dataset, Item, Picture, Subset
from flawgate_training.datasets.seeds import seeds
from flawgate_training.experiment.data import StitchData

ABOUT = About(
    name="Flawgate's generated stitches (synthetic)",
    title="Generated sewing stitches in six classes (synthetic)",
    source="Pictures that `flawgate_imaging.stitches` makes; every figure measured on them is a synthetic one.",
    licence="Apache-2.0",
    notice="They learned from generated pictures only and carry no further condition.",
    shareable=True,
)

CLASSES = ("background", *STITCH_CLASSES)


@dataclass(frozen=True)
class StitchSource:
    """One generated picture.

    Attributes:
        seed: of the picture.
        stitch_class: one of `STITCH_CLASSES`.
    """

    seed: int
    stitch_class: str

    def read(self) -> Picture:
        """RGB, (704, 1056, 3), uint8, 0–255; the mask holds the index of the class within `CLASSES`."""
        made = generate(self.seed, stitch_class=self.stitch_class)
        return Picture(made.pixels, made.mask)


def load(data: StitchData) -> Dataset:
    """Classes in turn; no class means that a part is bad.

    Args:
        data: how many.

    Returns:
        One frame for each seed, its own group, named `<class>/<seed>`.

    Raises:
        InvalidExperiment: more frames are asked for than there are seeds.
    """
    counts = seeds(train=data.train, validation=data.validation, test=data.test)
    return Dataset(ABOUT, CLASSES, tuple(_item(seed, subset) for seed, subset in counts), masked=True)


def _item(seed: int, subset: Subset) -> Item:
    stitch_class = STITCH_CLASSES[seed % len(STITCH_CLASSES)]
    name = f"{stitch_class}/{seed}"
    digest = sha256(f"flawgate_imaging.stitches/{name}".encode()).hexdigest()
    source = StitchSource(seed, stitch_class)
    return Item(name, name, CLASSES.index(stitch_class), defective=False, sha256=digest, source=source, shipped=subset)

"""Generated sheets of leather with and without defects, from `flawgate_imaging.hides`, after paper e (section 3).

Source: made by Flawgate, after the description of paper e's 92 sheets, which are not public. Licence of the pictures
and of weights trained on them: that of Flawgate itself, Apache-2.0. Every figure measured on them is a synthetic one.
Layout: none, a picture is made from its seed when it is read.
"""

from dataclasses import dataclass
from hashlib import sha256

from flawgate_imaging.hides import KINDS, generate
from flawgate_training.datasets.about import About
from flawgate_training.datasets.items import Dataset, Item, Picture, Subset
from flawgate_training.datasets.seeds import seeds
from flawgate_training.experiment.data import HideData

ABOUT = About(
    name="Flawgate's generated hides (synthetic)",
    title="Generated leather, good or defective (synthetic)",
    source="Pictures that `flawgate_imaging.hides` makes; every figure measured on them is a synthetic one.",
    licence="Apache-2.0",
    notice="They learned from generated pictures only and carry no further condition.",
    shareable=True,
)

CLASSES = ("good", "defective")
"""As paper e: "defect-free leather" and "defective leather"; of the mask, 1 is the defect."""


@dataclass(frozen=True)
class HideSource:
    """One generated picture.

    Attributes:
        seed: of the picture.
        defect: one of `KINDS`; None on a good hide.
    """

    seed: int
    defect: str | None

    def read(self) -> Picture:
        """RGB, (512, 512, 3), uint8, 0–255; the mask is 1 on the defect."""
        made = generate(self.seed, defective=self.defect is not None, defect=self.defect)
        return Picture(made.pixels, made.mask)


def load(data: HideData) -> Dataset:
    """Good and defective in turn, the kinds of defect in equal numbers.

    Args:
        data: how many.

    Returns:
        One frame for each seed, its own group, named `good/<seed>` or `<defect>/<seed>`.

    Raises:
        InvalidExperiment: more frames are asked for than there are seeds.
    """
    counts = seeds(train=data.train, validation=data.validation, test=data.test)
    return Dataset(ABOUT, CLASSES, tuple(_item(seed, subset) for seed, subset in counts), masked=True)


def _item(seed: int, subset: Subset) -> Item:
    turn, defective = divmod(seed, 2)
    defect = KINDS[turn % len(KINDS)] if defective else None
    name = f"{defect or CLASSES[0]}/{seed}"
    digest = sha256(f"flawgate_imaging.hides/{name}".encode()).hexdigest()
    return Item(name, name, defective, bool(defective), digest, HideSource(seed, defect), subset)

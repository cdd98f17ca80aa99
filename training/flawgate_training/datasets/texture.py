"""Generated textures with generated flaws, from `flawgate_imaging.textures`: unlimited, reproducible, free of rights.

Source: made by Flawgate. Licence of the pictures and of weights trained on them: that of Flawgate itself, Apache-2.0.
Every figure measured on them is a synthetic one. Layout: none, a picture is made from its seed when it is read.
"""

from dataclasses import dataclass
from hashlib import sha256

from flawgate_contracts.errors import InvalidExperiment
from flawgate_imaging.textures import INSPECTED, TEXTURES, generate
from flawgate_training.datasets.about import About
from flawgate_training.datasets.items import Dataset, Item, Picture, Subset
from flawgate_training.datasets.seeds import seeds
from flawgate_training.experiment.data import TextureData

ABOUT = About(
    name="Flawgate's generated textures (synthetic)",
    title="Generated textures with generated flaws (synthetic)",
    source="Pictures that `flawgate_imaging.textures` makes; every figure measured on them is a synthetic one.",
    licence="Apache-2.0",
    notice="They learned from generated pictures only and carry no further condition.",
    shareable=True,
)

CLASSES = ("background", "defect")


@dataclass(frozen=True)
class TextureSource:
    """One generated picture.

    Attributes:
        seed: of the picture; odd: with a flaw.
        texture: one of `TEXTURES`.
    """

    seed: int
    texture: str

    def read(self) -> Picture:
        """Grey, (512, 512), uint8, 0–255; the mask is 1 within the ellipse around the flaw."""
        made = generate(self.seed, texture=self.texture, defective=bool(self.seed % 2))
        return Picture(made.pixels, made.mask)


def load(data: TextureData) -> Dataset:
    """Textures in turn, good and defective in equal numbers.

    Training sees every texture that the experiment names; those of them that the recipe is for choose and judge.

    Args:
        data: how many, and which.

    Returns:
        One frame for each seed, its own group, named `<texture>/<seed>`.

    Raises:
        InvalidExperiment: a texture is unknown, or more frames are asked for than there are seeds.
    """
    unknown = [name for name in data.textures or () if name not in TEXTURES]
    if unknown:
        raise InvalidExperiment(
            f"There is no texture {', '.join(unknown)}; choose from {', '.join(TEXTURES)}.", {"field": "data.textures"}
        )
    learned = data.textures or TEXTURES
    judged = tuple(name for name in INSPECTED if name in learned) or learned
    counts = seeds(train=data.train, validation=data.validation, test=data.test)
    items = (_item(seed, learned if subset == "train" else judged, subset) for seed, subset in counts)
    return Dataset(ABOUT, CLASSES, tuple(items), masked=True)


def _item(seed: int, textures: tuple[str, ...], subset: Subset) -> Item:
    turn, defective = divmod(seed, 2)
    texture = textures[turn % len(textures)]
    name = f"{texture}/{seed}"
    digest = sha256(f"flawgate_imaging.textures/{name}".encode()).hexdigest()
    return Item(name, name, defective, bool(defective), digest, TextureSource(seed, texture), subset)

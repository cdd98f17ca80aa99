"""Recipes of a line whose alerts are tested, and the frames that are sent to them."""

from pathlib import Path

import numpy as np

from flawgate_contracts.recipe import QualityLimits
from flawgate_contracts.reference import Distribution, Reference
from flawgate_imaging.encoding import encode_png
from support.golden import write_golden
from support.tiny_repository import HEIGHT, SPOT_SEG, WIDTH, spot_cls, spot_recipe, write_recipe

STEADY, SWAPPED, WATCHED = "steady", "swapped", "watched"
"""Judges as always; has its model swapped; gets other parts than it knows."""
RECIPES = (STEADY, SWAPPED, WATCHED)

_LEVELS = (60, 60, 100, 100, 100, 100, 100, 100, 100, 190)
"""Grey values of good parts: a score is this ÷ 255."""
_REFERENCE = Distribution(edges=(0, 0.3, 0.6, 1), shares=(0.2, 0.7, 0.1))
"""Of score and mean alike, since all pixels of such a part have one value."""


def write_recipes(repository: Path) -> None:
    """Write the recipes, each `spot` with golden frames, a reference, and limits that refuse black pictures alone."""
    reference = Reference(frames=1000, features={"score": _REFERENCE, "mean": _REFERENCE})
    repository.mkdir()
    for name in RECIPES:
        limited = spot_recipe(name=name).model_copy(update={"quality": QualityLimits(), "reference": reference})
        recipe = write_recipe(repository, limited, {"seg": SPOT_SEG, "cls": spot_cls()})
        write_golden(repository, recipe, {"dark": 10, "bright": 255})


def good_parts() -> tuple[bytes, ...]:
    """Frames that are OK, as the reference says."""
    return tuple(encode_png(np.full((HEIGHT, WIDTH), level, np.uint8)) for level in _LEVELS)


def other_parts() -> tuple[bytes, ...]:
    """Frames that are NOT_OK: far too bright, and a quarter of a megabyte long."""
    return (encode_png(np.random.default_rng(1).integers(240, 256, (512, 1024), np.uint8)),)


def black_pictures() -> tuple[bytes, ...]:
    """Frames that are NOT_DECIDABLE: there is no light."""
    return (encode_png(np.zeros((HEIGHT, WIDTH), np.uint8)),)

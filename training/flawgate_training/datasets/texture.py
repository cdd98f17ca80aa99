"""Generated textures with generated flaws, from `flawgate_imaging.textures`: unlimited, reproducible, free of rights.

Licence of the pictures and of weights trained on them: that of Flawgate itself, Apache-2.0. Every figure measured on
them is a synthetic one.
"""

from flawgate_contracts.steps import Step
from flawgate_imaging.textures import INSPECTED, TEXTURES, generate
from flawgate_training.datasets.about import About
from flawgate_training.datasets.samples import Sample, prepare

ABOUT = About(
    name="Flawgate's generated textures (synthetic)",
    title="Generated textures with generated flaws (synthetic)",
    source="Pictures that `flawgate_imaging.textures` makes; every figure measured on them is a synthetic one.",
    licence="Apache-2.0",
    notice="They learned from generated pictures only and carry no further condition.",
)

HELD_OUT_SEED = 1_000_000
"""Seeds from here on are for judging; training stays below."""


def load(seeds: range, *, steps: tuple[Step, ...], dilation: int) -> list[Sample]:
    """Make samples: textures in turn, good and defective in equal numbers.

    Training sees every texture, judging those that the recipe is for.

    Args:
        seeds: of the samples.
        steps: the recipe's pre-processing.
        dilation: see `targets.DILATIONS`.

    Returns:
        One sample per seed, its own group, named `<texture>/<seed>`.
    """
    return [_sample(seed, steps, dilation) for seed in seeds]


def _sample(seed: int, steps: tuple[Step, ...], dilation: int) -> Sample:
    turn, defective = divmod(seed, 2)
    textures = INSPECTED if seed >= HELD_OUT_SEED else TEXTURES
    made = generate(seed, texture=textures[turn % len(textures)], defective=bool(defective))
    name = f"{made.texture}/{seed}"
    return prepare(name, name, made.pixels, made.mask, steps=steps, dilation=dilation)

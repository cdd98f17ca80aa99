"""What good parts look like to a recipe when it is exported, so that the gateway can tell when that changes.

Good ones alone: a line makes hardly any others, and data sets hold far too many of them.
"""

from collections.abc import Sequence
from dataclasses import asdict

from flawgate_contracts.recipe import Recipe
from flawgate_contracts.reference import FEATURES, Reference
from flawgate_imaging.drift import MIN_FRAMES, distribution, resolution
from flawgate_imaging.judgement import Manner, judge, shown
from flawgate_imaging.pipeline import apply, to_tensor
from flawgate_imaging.quality import measure
from flawgate_training.datasets.items import Item, Pixels
from flawgate_training.datasets.splits import Subsets
from flawgate_training.export.quality import spread
from flawgate_training.export.runtimes import Models

ENOUGH = 200
"""Held-out frames that make a reference by themselves: a network is surer of what it learned from."""


def good_frames(subsets: Subsets) -> tuple[Item, ...]:
    """The good frames that nothing was learned from; where they are fewer than `ENOUGH`, those that it was, too."""
    held_out = _good((*subsets.validation, *subsets.test))
    return held_out if len(held_out) >= ENOUGH else (*_good(subsets.train), *held_out)


def _good(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(item for item in items if not item.defective)


def measured_reference(models: Models, recipe: Recipe, items: Sequence[Item]) -> Reference | None:
    """Measure the score, and the picture where the recipe limits its quality: the gateway knows it there alone.

    Args:
        models: of the recipe.
        recipe: how frames are prepared and judged.
        items: of good parts; some of them, evenly over all, are measured.

    Returns:
        The reference; None where the frames are fewer than `flawgate_imaging.drift.MIN_FRAMES`.

    Raises:
        InvalidDataset: a picture cannot be read any more.
    """
    if len(items) < MIN_FRAMES:
        return None
    found = [_values(models, recipe, item.source.read().pixels) for item in spread(items)]
    features = ("score",) if recipe.quality is None else FEATURES
    return Reference(
        frames=len(found),
        features={
            feature: distribution([values[feature] for values in found], resolution(feature, recipe.policy.threshold))
            for feature in features
        },
    )


def _values(models: Models, recipe: Recipe, pixels: Pixels) -> dict[str, float]:
    """By feature, as the services find them for a frame as decoded."""
    tensor = to_tensor(apply(pixels, recipe.steps).pixels)
    frames = shown(tensor, recipe.tiling)
    said = judge(Manner.of(recipe), frames, models.answers(frames), height=tensor.shape[1], width=tensor.shape[2])
    return {"score": said.score} | asdict(measure(pixels))

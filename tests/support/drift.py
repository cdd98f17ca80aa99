"""References of drift, and pictures that are held against them."""

import numpy as np

from flawgate_contracts.recipe import QualityLimits, Recipe
from flawgate_contracts.reference import FEATURES, Feature, Reference
from flawgate_imaging.drift import RESOLUTION, distribution
from flawgate_imaging.quality import Measures
from support.tiny_repository import spot_recipe

LAMP = 0.5
"""The mean of the reference's pictures."""


def measured(mean: float, frames: int, seed: int) -> list[Measures]:
    """What pictures measure under a lamp that makes them so bright, 0 to 1."""
    rng = np.random.default_rng(seed)
    means, foci = rng.normal(mean, 0.03, frames), rng.normal(100, 10, frames)
    pairs = zip(means.round(6).tolist(), foci.round(6).tolist(), strict=True)
    return [Measures(mean=mean, dark_share=0.0, bright_share=0.0, focus=focus) for mean, focus in pairs]


def reference(*features: Feature, seed: int = 1) -> Reference:
    """Of 400 frames under `LAMP` whose score is 1, as that of the fake decision is; all features unless told."""
    frames = measured(LAMP, 400, seed)
    return Reference(
        frames=len(frames),
        features={
            feature: distribution(
                [1.0 if feature == "score" else getattr(frame, feature) for frame in frames], RESOLUTION[feature]
            )
            for feature in features or FEATURES
        },
    )


def watched_recipe(version: str = "1", **limits: float) -> Recipe:
    """The recipe `spot` with a reference, and with limits of its pictures' quality."""
    changes = {"version": version, "reference": reference(), "quality": QualityLimits(**limits)}
    return spot_recipe().model_copy(update=changes)

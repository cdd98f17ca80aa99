"""What a judgement shows of the frame, and of each network, as a recipe wants it read."""

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.kinds import Kind
from flawgate_contracts.recipe import Recipe
from flawgate_imaging.defects import Findings, find_defects
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.judgement import Judgement


def findings(recipe: Recipe, judgement: Judgement, geometry: Geometry) -> Findings:
    """The defects, and the area of each class, for `policy.evaluate`; none of a classification.

    Args:
        recipe: names of the classes, and from where on a pixel or a region counts.
        judgement: of one frame.
        geometry: from the tensor to that frame.
    """
    if judgement.planes is None:
        return Findings()
    return find_defects(
        judgement.planes,
        geometry,
        threshold=recipe.policy.mask_threshold,
        min_area_px=recipe.policy.min_defect_area_px,
        classes=recipe.classes,
        pixel_pitch_um=recipe.pixel_pitch_um,
    )


def stage_scores(kind: Kind, mask: NDArray[np.uint8] | None, score: float) -> dict[str, float]:
    """What each network said, 0 to 1; of a cascade both, of any other kind its only one.

    Args:
        kind: of the recipe.
        mask: (classes, height, width), uint8: probability, or residual, × 255; None of a classification.
        score: of the frame, 0 to 1.

    Returns:
        `segmentation`: of a cascade the highest value of the mask, else the score; `classification`: the score.
    """
    if kind == "cascade" and mask is not None:
        return {"segmentation": round(int(mask.max()) / 255, 6), "classification": score}
    return {"segmentation" if mask is not None else "classification": score}

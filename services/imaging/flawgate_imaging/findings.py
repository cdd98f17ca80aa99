"""What the maps of a judgement show on the frame, as a recipe wants it read."""

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

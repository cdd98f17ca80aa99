"""Golden frames of the tiny recipe `spot`."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from flawgate_contracts.golden import FILE, Golden, GoldenFrame
from flawgate_contracts.recipe import Recipe
from flawgate_imaging.golden_pattern import PATTERN, pattern
from flawgate_imaging.pipeline import to_tensor
from flawgate_imaging.policy import evaluate
from flawgate_imaging.scores import SCORE_DECIMALS
from support.pictures import spot_pixels

TOLERANCE = 1e-4


def write_golden(
    repository: Path, recipe: Recipe, greys: Mapping[str, int], *, gain: float = 1.0, pictures: Path | None = None
) -> None:
    """Write golden frames of a version of `spot`: frames with one pixel that is not black.

    Args:
        repository: where the version is.
        recipe: of the version.
        greys: by name of the frame, the grey value of that pixel, 0–255.
        gain: of the version's scores, so that what is expected is what it says.
        pictures: where to write the pictures under their names, instead of shipping them with the version.
    """
    folder = repository / recipe.name / recipe.version
    (folder / "golden").mkdir(exist_ok=True)
    frames = []
    for number, (name, grey) in enumerate(greys.items()):
        pixels = spot_pixels(grey)
        picture = f"golden/{number}.png"
        path = folder / picture if pictures is None else pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels)
        score = round(float(np.float32(gain) * np.float32(grey / 255)), SCORE_DECIMALS)
        frames.append(
            GoldenFrame(
                name=name,
                sha256=hashlib.sha256(to_tensor(pixels).tobytes()).hexdigest(),
                picture=picture if pictures is None else None,
                evaluation=evaluate(score, {}, recipe.policy).evaluation.value,
                score=score,
            )
        )
    golden = Golden(tolerance=TOLERANCE, frames=tuple(frames))
    (folder / FILE).write_text(golden.model_dump_json(indent=2), "utf-8")


def pattern_frame(recipe: Recipe, evaluation: Literal["OK", "NOT_OK", "NOT_DECIDABLE"], score: float) -> GoldenFrame:
    """The pattern of blocks, as a golden frame whose picture is shipped."""
    tensor = to_tensor(pattern(recipe.input))
    sha256 = hashlib.sha256(tensor.tobytes()).hexdigest()
    return GoldenFrame(name=PATTERN, sha256=sha256, picture="golden/0.png", evaluation=evaluation, score=score)

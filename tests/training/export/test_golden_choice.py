"""Which frames of an export become its golden frames."""

import numpy as np
import pytest

from flawgate_contracts.recipe import Policy
from flawgate_imaging.golden_pattern import PATTERN
from flawgate_training.export import golden
from flawgate_training.export.parity_figures import TOLERANCES, FrameParity, NamedFrame, Parity

POLICY = Policy(threshold=0.9, guard_band=0.1)


def parity_of(scores: dict[str, float]) -> Parity:
    """Of frames with these scores."""
    frames = tuple(
        FrameParity(
            name=name,
            torch_score=score,
            onnx_score=score,
            torch_evaluation="NOT_OK" if score >= 0.9 else "OK",
            onnx_evaluation="NOT_OK" if score >= 0.9 else "OK",
            mask_iou=None,
            mask_px=None,
            mask_px_apart=None,
            map_difference=None,
            logit_difference=None,
        )
        for name, score in scores.items()
    )
    return Parity(
        precision="fp16",
        tolerance=TOLERANCES["fp16"],
        threshold=0.9,
        frames=frames,
        largest_score_shift=0,
        largest_score_shift_near_threshold=None,
        least_mask_iou=None,
        largest_map_difference=None,
        largest_logit_difference=None,
        flipped=(),
        versions={},
        passed=True,
        faults=(),
    )


@pytest.mark.parametrize("score", [0.89, 0.919, 0.785, 0.815], ids=["below", "above", "below the band", "within it"])
def test_a_frame_whose_evaluation_could_flip_elsewhere_is_left_out(score: float) -> None:
    """Twice the tolerance lies between a golden frame and any score at which the policy says something else."""
    scores = {PATTERN: 0.2, "sure": 0.99, "unsure": score}
    frames = [NamedFrame(name, np.zeros((4, 4), np.uint8)) for name in scores]
    chosen = golden.choose(frames, parity_of(scores), POLICY, shareable=True)
    assert chosen.tolerance == 0.01
    assert {frame.name for frame in chosen.frames} == {PATTERN, "sure"}

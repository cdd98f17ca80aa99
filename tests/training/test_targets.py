import numpy as np
import pytest
import torch

from flawgate_training.datasets.targets import DILATIONS, dilate, soft_target


@pytest.mark.parametrize("side", DILATIONS)
def test_a_pixel_grows_to_a_square(side: int) -> None:
    """One marked pixel becomes a square of the given side, centred on it."""
    mask = np.zeros((41, 31), np.uint8)
    mask[20, 15] = 255
    expected = np.zeros_like(mask)
    reach = side // 2
    expected[20 - reach : 21 + reach, 15 - reach : 16 + reach] = 255
    np.testing.assert_array_equal(dilate(mask, side), expected)


@pytest.mark.parametrize("level", [0, 255])
def test_flat_masks_stay_flat(level: int) -> None:
    """Reflected borders keep a mask of one value at that value up to the rim."""
    target = soft_target(torch.full((1, 1, 64, 48), level, dtype=torch.uint8))
    torch.testing.assert_close(target, torch.full((1, 1, 8, 6), level / 255.0))


def test_a_target_is_the_share_of_defect_pixels() -> None:
    """The target at (row, column) is the mean over the 17×17 around pixel (8 × row, 8 × column)."""
    mask = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    mask[..., 24:26, 32:35] = 255
    target = soft_target(mask)
    assert target.shape == (1, 1, 8, 8)
    assert float(target[0, 0, 3, 4]) == pytest.approx(6 / 289)
    assert float(target[0, 0, 6, 6]) == 0.0

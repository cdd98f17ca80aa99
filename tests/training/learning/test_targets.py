import numpy as np
import pytest
import torch

from flawgate_training.learning.targets import fitted, soft_target


@pytest.mark.parametrize("level", [0, 1])
def test_flat_masks_stay_flat(level: int) -> None:
    """Reflected borders keep a mask of one value at that value up to the rim."""
    target = soft_target(torch.full((1, 64, 48), level, dtype=torch.uint8))
    torch.testing.assert_close(target, torch.full((1, 1, 8, 6), float(level)))


def test_a_target_is_the_share_of_defect_pixels() -> None:
    """The target at (row, column) is the mean over the 17×17 around pixel (8 × row, 8 × column), whatever the class."""
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[..., 24:26, 32:35] = 2
    target = soft_target(mask)
    assert target.shape == (1, 1, 8, 8)
    assert float(target[0, 0, 3, 4]) == pytest.approx(6 / 289)
    assert float(target[0, 0, 6, 6]) == 0.0


def test_masks_of_the_logits_size_stay() -> None:
    """Where the network answers at full size, the mask is taken as it is."""
    masks = torch.randint(0, 3, (2, 8, 8), dtype=torch.uint8)
    assert fitted(masks, torch.zeros(2, 3, 8, 8)) is masks


def test_a_coarse_map_loses_no_defect() -> None:
    """One channel at a quarter of the size: a cell is defective as soon as one of its pixels is."""
    mask = torch.zeros(1, 16, 16, dtype=torch.uint8)
    mask[0, 7, 9] = 1
    expected = torch.zeros(1, 4, 4, dtype=torch.uint8)
    expected[0, 1, 2] = 1
    torch.testing.assert_close(fitted(mask, torch.zeros(1, 1, 4, 4)), expected)


def test_coarse_classes_are_never_mixed() -> None:
    """Several classes at half the size: each cell has the class of one of its pixels."""
    mask = torch.from_numpy(np.kron(np.array([[0, 3], [5, 1]]), np.ones((4, 4)))).to(torch.uint8)[None]
    torch.testing.assert_close(fitted(mask, torch.zeros(1, 6, 4, 4)), mask[:, ::2, ::2].contiguous())

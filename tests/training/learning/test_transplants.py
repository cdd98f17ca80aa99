import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_training.learning.transplants import transplanted

LIGHT, DARKER = 180, 120
"""Grey levels of the surface of the two frames."""


def cracked(channels: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A frame of 160×64 with a line from the right rim, 60 grey levels darker than its surface, and its classes."""
    pixels, mask = np.full((160, 64), LIGHT, np.uint8), np.zeros((160, 64), np.uint8)
    pixels[70:74, 40:], mask[68:76, 38:] = LIGHT - 60, 2
    return (np.repeat(pixels[..., None], channels, axis=2) if channels else pixels), mask


def good(channels: int = 0) -> NDArray[np.uint8]:
    """A frame without a defect, in another light."""
    return np.full((160, 64, channels) if channels else (160, 64), DARKER, np.uint8)


@pytest.mark.parametrize("channels", [0, 3])
def test_the_defect_moves_to_the_good_frame(channels: int) -> None:
    """What is far from the defect is the good frame; the mask is whole, in its class, and in the same columns."""
    pixels, mask = cracked(channels)
    shown, classes = transplanted(pixels, mask, good(channels), 1.0, np.random.default_rng(0))
    assert shown.shape == pixels.shape
    assert {shown.dtype, classes.dtype} == {np.dtype(np.uint8)}
    assert (classes == 2).sum() == (mask == 2).sum()
    np.testing.assert_array_equal(classes.any(axis=0), mask.any(axis=0))
    changed = (shown != good(channels)).reshape(160, 64, -1).any(axis=2)
    rows = np.flatnonzero(classes.any(axis=1))
    assert changed[classes > 0].any()
    assert not changed[: max(rows[0] - 10, 0)].any()
    assert not changed[rows[-1] + 11 :].any()


def test_it_stands_in_the_light_of_its_new_place() -> None:
    """The line is as much darker, in proportion, as it was; with less of its contrast, less."""
    pixels, mask = cracked()
    kept, _ = transplanted(pixels, mask, good(), 1.0, np.random.default_rng(0))
    assert kept.min() == pytest.approx(DARKER * (LIGHT - 60) / LIGHT, abs=3)
    least = [int(transplanted(pixels, mask, good(), 0.2, np.random.default_rng(n))[0].min()) for n in range(30)]
    assert min(least) < DARKER - 30
    assert DARKER - 16 < max(least) < DARKER - 4


def test_it_may_land_anywhere_up_or_down() -> None:
    """Over many draws the defect reaches the first rows and the last, and is never cut."""
    pixels, mask = cracked()
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(transplanted(pixels, mask, good(), 0.5, rng)[1].any(axis=1)) for _ in range(200)]
    assert {len(found) for found in rows} == {8}
    assert min(found[0] for found in rows) < 8
    assert max(found[-1] for found in rows) > 151


def test_sideways_it_moves_as_often_as_asked() -> None:
    """Some defects leave their columns, anywhere to the left and right, whole and with what is marked still dark."""
    pixels, mask = cracked()
    rng = np.random.default_rng(2)
    drawn = [transplanted(pixels, mask, good(), 1.0, rng, sideways=0.5) for _ in range(200)]
    columns = [np.flatnonzero(classes.any(axis=0)) for _, classes in drawn]
    assert {len(found) for found in columns} == {26}
    assert 60 < sum(found[0] != 38 for found in columns) < 140
    assert min(found[0] for found in columns) < 4
    assert max(found[-1] for found in columns) == 63
    assert max(int(shown[classes > 0].min()) for shown, classes in drawn) < DARKER - 30


def test_frames_of_another_size() -> None:
    """Where the sizes differ, the frame stays what it is."""
    pixels, mask = cracked()
    shown, classes = transplanted(pixels, mask, good()[:100], 0.5, np.random.default_rng(0))
    assert shown is pixels
    assert classes is mask

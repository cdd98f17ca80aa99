import numpy as np
import pytest
from numpy.random import Generator, default_rng
from pydantic import ValidationError

from flawgate_training.datasets.samples import Pixels
from flawgate_training.experiment.training import Corruption
from flawgate_training.learning.corruption import corrupt

ALWAYS = Corruption(share=1)


def surface(*channels: int) -> Pixels:
    """A fine weave, (64, 96) or (64, 96, channels), uint8, 100–155."""
    rows, columns = np.indices((64, 96))
    plane = (100 + 7 * ((rows + columns) % 8)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(plane.reshape(64, 96, *[1] * len(channels)), (64, 96, *channels)))


def covered(drawn: Corruption, rng: Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which pixels of the surface differ, (64, 96), bool."""
    return np.asarray(corrupt(surface(), drawn, rng) != surface())


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_part_of_the_frame_is_covered(channels: tuple[int, ...]) -> None:
    """Grey and colour frames keep their shape and dtype, most of their pixels, and differ in some; as drawn, anew."""
    rng = default_rng(0)
    seen = set()
    for _ in range(30):
        frame = surface(*channels)
        shown = corrupt(frame, Corruption(share=1, most=2, largest_px=24), rng)
        assert (shown.shape, shown.dtype) == (frame.shape, frame.dtype)
        np.testing.assert_array_equal(frame, surface(*channels))
        assert np.mean(shown != frame) < 0.4
        seen.add(shown.tobytes())
    assert len(seen) > 25


def test_the_same_draws_give_the_same_frame() -> None:
    """A resumed run shows what it would have shown."""
    one, other = (corrupt(surface(), ALWAYS, default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_share_of_the_frames() -> None:
    """About as many frames are corrupted as the share says; the others are the good frame itself."""
    rng = default_rng(1)
    changed = sum(covered(Corruption(share=0.3), rng).any() for _ in range(200))
    assert 0.2 * 200 < changed < 0.4 * 200


def test_covers_are_as_large_as_they_may_be() -> None:
    """One cover spans no more than its length and the softness of its rim; long ones span more than short ones."""

    def largest(length: float) -> int:
        rng = default_rng(2)
        drawn = Corruption(share=1, most=1, smallest_px=length, largest_px=length)
        spans = [np.ptp(np.argwhere(mask), axis=0) for mask in (covered(drawn, rng) for _ in range(60)) if mask.any()]
        return int(np.max(spans))

    softness = 16
    assert largest(6) <= 6 + softness
    assert 6 + softness < largest(40) <= 40 + softness


def test_several_places() -> None:
    """More covers hide more of the frame."""
    few, many = (
        np.mean([covered(Corruption(share=1, most=most, largest_px=12), default_rng(seed)) for seed in range(60)])
        for most in (1, 12)
    )
    assert many > 2 * few


def test_sizes_in_order() -> None:
    """A smallest cover that is larger than the largest is refused, with what to do."""
    with pytest.raises(ValidationError, match=r"smallest_px, 9, is above largest_px, 8; swap them"):
        Corruption(smallest_px=9, largest_px=8)

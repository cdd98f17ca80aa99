"""The window over a recipe's last frames."""

from dataclasses import asdict

import pytest
from support.drift import LAMP, measured, reference

from flawgate_contracts.reference import FEATURES
from flawgate_gateway.drift.window import ENOUGH, FRAMES, Window
from flawgate_imaging.drift import SHIFTED, STABLE


def shown(window: Window, mean: float, frames: int, seed: int = 2) -> None:
    """Frames under a lamp, whose scores are as in the reference."""
    for measures in measured(mean, frames, seed):
        window.add({"score": 1.0} | asdict(measures))


def test_below_enough_frames_it_says_nothing() -> None:
    """200 frames are the first that say something of every feature."""
    window = Window(reference())
    shown(window, LAMP, ENOUGH - 1)
    assert (len(window), window.psi()) == (ENOUGH - 1, {})
    shown(window, LAMP, 1, seed=3)
    assert set(window.psi()) == set(FEATURES)


def test_what_is_as_it_was_is_stable() -> None:
    """A full window of the same kind of frames stays below 0.1 in every feature."""
    window = Window(reference())
    shown(window, LAMP, FRAMES)
    assert max(window.psi().values()) < STABLE


def test_a_darker_lamp_shifts_the_mean_alone() -> None:
    """The other features stay stable, so that one reads what has changed."""
    window = Window(reference())
    shown(window, 0.9 * LAMP, FRAMES)
    found = window.psi()
    assert found.pop("mean") > SHIFTED
    assert max(found.values()) < STABLE


def test_only_the_last_frames_count() -> None:
    """What was before a full window of good frames is forgotten to the last bin."""
    window, fresh = Window(reference()), Window(reference())
    shown(window, 0.5 * LAMP, 3 * FRAMES)
    for each in (window, fresh):
        shown(each, LAMP, FRAMES)
    assert len(window) == FRAMES
    assert window.psi() == fresh.psi()


def test_a_feature_counts_where_it_is_known() -> None:
    """Pictures that no model has seen count for the pictures' features, and not for the score."""
    window = Window(reference())
    for measures in measured(LAMP, ENOUGH, seed=2):
        window.add(asdict(measures))
    assert set(window.psi()) == set(FEATURES) - {"score"}


@pytest.mark.parametrize("unknown", ["hue", "mean"])
def test_a_feature_without_a_reference_is_passed_over(unknown: str) -> None:
    """A recipe without limits of quality has a reference of its score alone."""
    window = Window(reference("score"))
    for _ in range(ENOUGH):
        window.add({"score": 1.0, unknown: 0.5})
    assert set(window.psi()) == {"score"}

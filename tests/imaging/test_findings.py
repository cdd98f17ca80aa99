import numpy as np
import pytest
from support.tiny_kinds import BLANK, MARKS, SORTED, SPOT, Tiny

from flawgate_contracts.kinds import Kind
from flawgate_imaging.findings import findings, stage_scores
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.judgement import Judgement

GEOMETRY = Geometry.identity(24, 32)


def judgement(channels: int, *, channel: int = 0, value: float = 0.8) -> Judgement:
    """Of a frame with a region of 6 × 4 pixels in one channel, and one of a single pixel."""
    planes = np.zeros((channels, 32, 24), np.float32)
    planes[channel, 2:6, 3:9] = planes[channel, 20, 20] = value
    return Judgement(value, planes)


@pytest.mark.parametrize(
    ("tiny", "channels", "channel", "areas"),
    [(SPOT, 1, 0, {"spot": 25}), (BLANK, 1, 0, {"anomaly": 25}), (MARKS, 3, 2, {"stain": 25}), (MARKS, 3, 0, {})],
)
def test_what_is_found_is_named_by_the_recipe(tiny: Tiny, channels: int, channel: int, areas: dict[str, int]) -> None:
    """By the class of the channel; the background of several classes is nothing that is found."""
    found = findings(tiny.recipe, judgement(channels, channel=channel), GEOMETRY)
    assert areas == found.areas
    assert len(found.defects) == 2 * len(areas)


def test_a_classification_finds_nothing() -> None:
    """It has no map."""
    assert findings(SORTED.recipe, Judgement(0.9, probabilities=np.ones(3, np.float32)), GEOMETRY) == ((), {})


@pytest.mark.parametrize(
    ("changes", "areas"),
    [({"mask_threshold": 0.85}, {}), ({"min_defect_area_px": 2}, {"spot": 24}), ({"min_defect_area_px": 25}, {})],
)
def test_the_policy_says_what_counts(changes: dict[str, float], areas: dict[str, int]) -> None:
    """From which probability on a pixel, and from which area on a region."""
    recipe = SPOT.recipe.model_copy(update={"policy": SPOT.recipe.policy.model_copy(update=changes)})
    assert areas == findings(recipe, judgement(1), GEOMETRY).areas


def test_the_pixel_pitch_gives_square_millimetres() -> None:
    """24 pixels of half a millimetre are six square millimetres."""
    recipe = SPOT.recipe.model_copy(update={"pixel_pitch_um": 500.0})
    assert [defect.area_mm2 for defect in findings(recipe, judgement(1), GEOMETRY).defects] == [6.0, 0.25]


@pytest.mark.parametrize(
    ("kind", "masked", "expected"),
    [
        ("cascade", True, {"segmentation": 0.8, "classification": 0.3}),
        ("segmentation", True, {"segmentation": 0.3}),
        ("anomaly", True, {"segmentation": 0.3}),
        ("classification", False, {"classification": 0.3}),
    ],
)
def test_each_network_has_its_say(kind: Kind, masked: bool, expected: dict[str, float]) -> None:  # noqa: FBT001  # a table
    """A cascade has two, any other kind one, whose word is the score."""
    mask = np.full((1, 2, 2), 204, np.uint8) if masked else None
    assert expected == stage_scores(kind, mask, 0.3)

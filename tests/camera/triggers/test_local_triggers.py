from dataclasses import replace

import numpy as np
import pytest
from support.camera_parts import level, noise

from flawgate_camera.config.triggers import MotionTrigger as MotionConfig
from flawgate_camera.frames import Picture
from flawgate_camera.triggers.motion import MotionTrigger
from flawgate_camera.triggers.rate import NthTrigger, RateTrigger


def at(picture: Picture, seconds: float) -> Picture:
    """The picture, taken at a moment of the monotonic clock."""
    return replace(picture, acquired=1000 + seconds)


@pytest.mark.parametrize(("n", "wanted"), [(1, [0, 1, 2, 3, 4, 5]), (3, [0, 3])])
def test_every_nth_picture_is_wanted(n: int, wanted: list[int]) -> None:
    """The first and every n-th after it, with what the source says of them."""
    trigger = NthTrigger(n)
    given = [trigger.wanted(noise(number)) for number in range(6)]
    assert [number for number, one in enumerate(given) if one is not None] == wanted
    assert given[0] == noise(0).trigger


@pytest.mark.parametrize(("camera_fps", "asked", "expected"), [(30, 5, 50), (25, 10, 100), (4, 5, 40)])
def test_the_rate_is_kept(camera_fps: int, asked: float, expected: int) -> None:
    """In ten seconds come as many pictures as asked for, though the camera's own rate is no multiple of it."""
    trigger = RateTrigger(asked)
    given = [trigger.wanted(at(level(0), number / camera_fps)) for number in range(10 * camera_fps)]
    assert abs(sum(one is not None for one in given) - expected) <= 1


def test_a_pause_is_not_made_up_for() -> None:
    """After a source was silent no burst comes."""
    trigger = RateTrigger(10)
    moments = [0.0, 5.0, 5.02, 5.04, 5.06, 5.11]
    given = [trigger.wanted(at(level(0), moment)) is not None for moment in moments]
    assert given == [True, True, False, False, False, True]


def part_at(column: int | None) -> Picture:
    """A grey belt, with a bright part of 40 pixels' width from that column on; None for none."""
    picture = level(60, (120, 240))
    if column is not None:
        picture.pixels[40:80, column : column + 40] = 220
    return picture


PASSAGE: list[int | None] = [None, None, 0, 60, 120, 120, 120, None, None]


@pytest.mark.parametrize(("when", "wanted"), [("moving", [2, 3, 4, 7]), ("settled", [5, 8])])
def test_motion_is_seen(when: str, wanted: list[int]) -> None:
    """A part that comes, rests and goes: pictures while it moves, or one each time that all has come to rest."""
    trigger = MotionTrigger(MotionConfig.model_validate({"kind": "motion", "when": when, "pause_s": 0}))
    given = [trigger.wanted(at(part_at(column), number / 10)) for number, column in enumerate(PASSAGE)]
    assert [number for number, one in enumerate(given) if one is not None] == wanted


def test_noise_is_no_motion() -> None:
    """Sensor noise of 10 grey levels moves nothing."""
    trigger = MotionTrigger(MotionConfig(kind="motion", pause_s=0))
    rng = np.random.default_rng(0)
    grains = [rng.normal(100, 10, (480, 640)).clip(0, 255).astype(np.uint8) for _ in range(5)]
    assert [trigger.wanted(replace(level(0), pixels=grain)) for grain in grains] == [None] * 5


@pytest.mark.parametrize(("when", "wanted"), [("moving", [1, 6]), ("settled", [2, 7])])
def test_motion_pauses(when: str, wanted: list[int]) -> None:
    """Between two triggers lies the pause at least."""
    trigger = MotionTrigger(MotionConfig.model_validate({"kind": "motion", "when": when, "pause_s": 0.45}))
    columns = [None, 0, 0, 60, 120, 120, 180, 180]
    given = [trigger.wanted(at(part_at(column), number / 10)) for number, column in enumerate(columns)]
    assert [number for number, one in enumerate(given) if one is not None] == wanted


def test_a_changed_size_is_no_motion() -> None:
    """A camera that is set to another size starts anew."""
    trigger = MotionTrigger(MotionConfig(kind="motion"))
    assert [trigger.wanted(level(10)), trigger.wanted(level(250, (64, 20)))] == [None, None]

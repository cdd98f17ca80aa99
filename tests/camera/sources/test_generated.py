import time

import pytest
from support.camera_parts import read_pictures

from flawgate_camera.config.sources import GeneratedSource as Config
from flawgate_camera.sources.base import SourceEnded
from flawgate_camera.sources.generated import GeneratedSource, sample


def test_the_same_seed_gives_the_same_pictures() -> None:
    """A run can be repeated, and its truth looked up: the source's n-th picture is the n-th sample."""
    config = Config(kind="generated", frames_per_s=1000, size=(128, 160), seed=7)
    pictures = read_pictures(GeneratedSource(config), 3)
    assert all((picture.pixels == sample(config, number).pixels).all() for number, picture in enumerate(pictures, 1))
    assert pictures[0].pixels.shape == (128, 160)
    assert (pictures[0].pixels != pictures[1].pixels).any()


@pytest.mark.parametrize(("share", "flawed"), [(0.0, 0), (1.0, 20)])
def test_the_share_of_flaws_is_kept(share: float, flawed: int) -> None:
    """None of the pictures, or all of them, have a flaw where that is asked for."""
    config = Config(kind="generated", defect_share=share, size=(128, 128))
    samples = [sample(config, number) for number in range(1, 21)]
    assert sum(made.defective for made in samples) == flawed
    assert sum(bool(made.mask.any()) for made in samples) == flawed


def test_it_keeps_its_pace_and_ends() -> None:
    """Five pictures at 50 a second take 80 ms at least, and then no more come."""
    source = GeneratedSource(Config(kind="generated", frames_per_s=50, size=(128, 128), frames=5))
    source.open()
    began = time.monotonic()
    read_pictures(source, 5)
    assert time.monotonic() - began >= 0.06
    with pytest.raises(SourceEnded):
        source.read()


def test_a_slow_source_can_be_stopped_soon() -> None:
    """A source of one picture an hour comes back within a moment, without one."""
    source = GeneratedSource(Config(kind="generated", frames_per_s=1 / 3600, size=(128, 128)))
    read_pictures(source, 1)
    began = time.monotonic()
    assert source.read() is None
    assert time.monotonic() - began < 2

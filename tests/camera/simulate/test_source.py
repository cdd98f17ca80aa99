import time

from numpy.random import default_rng

from flawgate_camera.frames import Picture
from flawgate_camera.simulate.source import Takt, TaktSource
from flawgate_camera.simulate.stock import Truth, generated_stock
from flawgate_camera.sources.base import SourceEnded

STOCK = generated_stock(0, pictures=4, defect_share=0.5, side=128)


def source(
    seen: dict[str, Truth], *, parts: int, takt_s: float = 0.05, begun_s: float = 0.0, seed: int = 0
) -> TaktSource:
    """A source whose line began so many seconds ago."""
    takt = Takt(begins=time.monotonic() - begun_s, phase_s=0, takt_s=takt_s, jitter_s=0.2 * takt_s, parts=parts)
    return TaktSource("cam1", takt, STOCK, default_rng(seed), shown=seen.__setitem__)


def all_of(source: TaktSource) -> list[Picture]:
    """Every picture until the line's end."""
    pictures: list[Picture] = []
    while True:
        try:
            picture = source.read()
        except SourceEnded:
            return pictures
        pictures += [picture] if picture else []


def test_each_part_is_shown_once_at_its_time() -> None:
    """Ten parts of 50 ms take at least 430 ms with jitter, each under a name of its own."""
    seen: dict[str, Truth] = {}
    began = time.monotonic()
    line = source(seen, parts=10)
    pictures = all_of(line)
    assert time.monotonic() - began >= 0.43
    assert len(pictures) + line.missed == 10
    assert [picture.trigger.part for picture in pictures] == list(seen)


def test_the_same_seed_shows_the_same_parts() -> None:
    """Pictures and truths alike."""
    first: dict[str, Truth] = {}
    second: dict[str, Truth] = {}
    pictures = [[p.file for p in all_of(source(seen, parts=5, takt_s=0.2, seed=3))] for seen in (first, second)]
    assert pictures[0] == pictures[1]
    assert first == second


def test_parts_that_have_left_are_missed_and_counted() -> None:
    """A camera that was held up for half of the line gets the other half."""
    line = source({}, parts=20, takt_s=0.1, begun_s=1.0)
    pictures = all_of(line)
    assert len(pictures) + line.missed == 20
    assert line.missed >= 8
    assert pictures[0].trigger.part == f"cam1-{line.missed + 1:06d}"


def test_a_long_takt_does_not_block_the_camera_that_is_to_stop() -> None:
    """Nothing comes for a while, and reading returns all the same."""
    line = source({}, parts=2, takt_s=60, begun_s=-30)
    began = time.monotonic()
    assert line.read() is None
    assert time.monotonic() - began < 5

import pytest

from flawgate_camera.sources.stream_clock import StreamClock

LIVE, BUFFERED = 0.09, 0.001
"""Seconds that reading a picture took, of ten a second."""


def ages(pictures: list[tuple[float, float, float]]) -> list[float]:
    """Of pictures with their stamps, when they were read, and how long that took; in seconds, rounded."""
    clock = StreamClock()
    return [round(clock.age_s(*picture), 3) for picture in pictures]


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        pytest.param([(n / 10, 50 + n / 10, LIVE) for n in range(4)], [0, 0, 0, 0], id="in time"),
        pytest.param([(n / 10, 50 + n / 2, BUFFERED) for n in range(4)], [0, 0.4, 0.8, 1.2], id="later and later"),
        pytest.param([(n / 10, 50.0, BUFFERED) for n in range(4)], [0, 0, 0, 0], id="a burst at the beginning"),
        pytest.param([(0, 50, LIVE), (0.1, 52, LIVE), (0.2, 52, BUFFERED)], [0, 0, 0], id="a network that stood still"),
        pytest.param([(n / 10, 50 + n / 9, LIVE) for n in range(90)], [0] * 90, id="a camera whose clock is slow"),
        pytest.param([(9.0, 50, LIVE), (0.0, 50.1, BUFFERED)], [0, 0], id="a camera that began anew"),
    ],
)
def test_a_picture_is_as_old_as_its_stamp_says(
    pictures: list[tuple[float, float, float]], expected: list[float]
) -> None:
    """What waited in a buffer is older by so long; drift, bursts and a new beginning make nothing old."""
    assert ages(pictures) == expected

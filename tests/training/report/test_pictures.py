import base64

import numpy as np
import pytest

from flawgate_imaging.decoding import decode
from flawgate_training.report.pictures import FOUND, PALETTE, TRUTH, class_panels, defect_panels, heat_panels

GREY = np.full((200, 100), 128, np.uint8)


def pixels_of(source: str) -> np.ndarray:
    """What a data URI shows, RGB."""
    head, _, data = source.partition(",")
    assert head == "data:image/jpeg;base64"
    return decode(base64.b64decode(data)).astype(int)


def near(pixels: np.ndarray, colour: tuple[int, int, int], reach: int = 90) -> bool:
    """Whether any pixel is about this colour, as far as a JPEG keeps one."""
    return bool((np.abs(pixels - np.array(colour)).sum(-1) < reach).any())


def test_truth_and_answer_are_outlined() -> None:
    """The true mask in blue, what the network marks in orange; the plain window shows neither."""
    mask, heat = np.zeros((200, 100), np.uint8), np.zeros((200, 100), np.float32)
    mask[90:110, 40:60], heat[90:110, 50:70] = 1, 0.3
    whole, plain, marked = (pixels_of(p.source) for p in defect_panels(GREY, mask, heat, heat > 0.2))
    assert near(whole, TRUTH)
    assert near(marked, TRUTH)
    assert near(marked, FOUND)
    assert np.ptp(plain) <= 8


def test_the_window_is_around_the_defect() -> None:
    """It holds the marked pixels, at the frame's edge too."""
    bright, mask = GREY.copy(), np.zeros((200, 100), np.uint8)
    bright[:10, :10], mask[:10, :10] = 255, 1
    panels = defect_panels(bright, mask, np.zeros((200, 100), np.float32), np.zeros((200, 100), np.bool_))
    window = pixels_of(panels[1].source)
    assert window.shape[0] == window.shape[1]
    assert window[20, 20].min() > 240


def test_the_window_of_a_good_frame_is_where_it_is_hottest() -> None:
    """Without a defect, the network's doubt is enlarged."""
    bright, heat = GREY.copy(), np.zeros((200, 100), np.float32)
    bright[180:190, 80:90], heat[185, 85] = 255, 1.0
    panels = defect_panels(bright, np.zeros((200, 100), np.uint8), heat, heat > 0.5)
    assert pixels_of(panels[1].source).max() > 240


@pytest.mark.parametrize("shape", [(40, 4000), (4000, 40, 3), (8, 8)])
def test_sizes_are_bounded(shape: tuple[int, ...]) -> None:
    """Wide, high and tiny frames all become panels of at most 420 pixels."""
    frame, heat = np.zeros(shape, np.uint8), np.zeros(shape[:2], np.float32)
    panels = defect_panels(frame, np.zeros(shape[:2], np.uint8), heat, heat > 0)
    panels += heat_panels(frame, heat, "heat")
    assert max(max(panel.width, panel.height) for panel in panels) == 420
    assert [pixels_of(panel.source).shape[:2] for panel in panels] == [(p.height, p.width) for p in panels]


def test_classes_have_colours() -> None:
    """Each class is tinted in its own colour, the background not at all."""
    mask = np.zeros((200, 100), np.uint8)
    mask[:100] = 2
    _, truth, answers = (pixels_of(p.source) for p in class_panels(GREY, mask, np.zeros((200, 100), np.uint8)))
    tinted = tuple(round(0.4 * 128 + 0.6 * value) for value in PALETTE[1])
    assert truth[50, 50] == pytest.approx(np.array(tinted), abs=12)
    assert answers[50, 50] == pytest.approx(np.array([128] * 3), abs=6)

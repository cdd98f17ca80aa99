import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_imaging.decoding import decode
from flawgate_imaging.defects import Box, Defect
from flawgate_imaging.encoding import encode_jpeg, encode_png
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.overlay import BANNER_COLOURS, MIN_WIDTH_PX, mask_png, overlay_png

GREY = np.random.default_rng(1).integers(60, 200, (300, 400), dtype=np.uint8)
RGB = np.random.default_rng(2).integers(60, 200, (300, 400, 3), dtype=np.uint8)
GEOMETRY = Geometry.identity(400, 300).then_resized(512, 512)
NOTHING = np.zeros((64, 64), np.float32)


def overlay(
    frame: NDArray[np.uint8],
    probability: NDArray[np.float32] | NDArray[np.uint8] = NOTHING,
    defects: tuple[Defect, ...] = (),
    evaluation: str = "OK",
) -> NDArray[np.uint8]:
    """The overlay's pixels, RGB."""
    geometry = Geometry.identity(frame.shape[1], frame.shape[0]).then_resized(512, 512)
    return decode(overlay_png(frame, probability, geometry, defects, evaluation, 0.5, 0.9))


def test_mask_has_the_frames_size_and_keeps_its_values() -> None:
    """The mask comes as grey PNG in the frame's size, probability × 255."""
    plane = np.zeros((64, 64), np.uint8)
    plane[32:] = 200
    mask = decode(mask_png(plane, GEOMETRY))
    assert mask.shape == (300, 400)
    assert (mask[100].max(), mask[200].min()) == (0, 200)


@pytest.mark.parametrize("frame", [GREY, RGB], ids=["grey", "rgb"])
def test_without_a_finding_the_frame_is_shown_untouched(frame: NDArray[np.uint8]) -> None:
    """The banner stands above the frame; below it every pixel is the frame's own, in RGB."""
    picture = overlay(frame)
    banner = len(picture) - len(frame)
    assert banner > 20
    expected = frame if frame.ndim == 3 else np.stack([frame] * 3, -1)
    np.testing.assert_array_equal(expected, picture[banner:])


@pytest.mark.parametrize("evaluation", BANNER_COLOURS)
def test_banner_has_the_evaluations_colour_and_readable_text(evaluation: str) -> None:
    """Green, red or amber, with white text on it at a contrast of at least 4.5 : 1 (WCAG 2.2, 1.4.3)."""
    picture = overlay(GREY, evaluation=evaluation)
    assert BANNER_COLOURS[evaluation] == tuple(picture[0, 0].tolist())
    assert (picture[: len(picture) - 300] == 255).all(axis=-1).any()
    channels = np.array(BANNER_COLOURS[evaluation]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


@pytest.mark.parametrize("probability", [np.float32(1), np.uint8(255)], ids=["float32", "uint8"])
def test_the_mask_is_tinted_and_the_rest_is_not(probability: np.float32 | np.uint8) -> None:
    """Where the map is certain the picture reddens; far from it nothing changes."""
    plane = np.zeros((64, 64), probability.dtype)
    plane[20:40, 20:40] = probability
    picture = overlay(GREY, plane)[-300:].astype(int)
    frame = np.stack([GREY] * 3, -1)
    assert (picture[110:170, 140:230, 0] - picture[110:170, 140:230, 1]).min() > 50
    np.testing.assert_array_equal(frame[:60], picture[:60])


def test_several_channels_show_the_largest() -> None:
    """A map of two classes is tinted wherever one of them is."""
    planes = np.zeros((2, 64, 64), np.float32)
    planes[0, :20], planes[1, 40:] = 1, 1
    np.testing.assert_array_equal(overlay(GREY, planes.max(axis=0)), overlay(GREY, planes))


@pytest.mark.parametrize("box", [Box(150, 100, 30, 20), Box(0, 0, 8, 8), Box(392, 292, 8, 8), Box(0, 0, 400, 300)])
def test_a_defect_is_boxed_and_labelled_inside_the_picture(box: Box) -> None:
    """A box in the middle, in a corner or around everything is marked, and the picture keeps its size."""
    plain, boxed = overlay(GREY), overlay(GREY, defects=(Defect(box, 1, None, 0.98, "defect"),))
    assert plain.shape == boxed.shape
    changed = (plain != boxed).any(axis=-1)
    assert changed.sum() > 40
    assert not changed[: len(plain) - 300].any()


def test_a_tiny_frame_is_enlarged_so_that_the_text_fits() -> None:
    """A frame of 16 pixels is shown 20 times as large, each pixel a square."""
    frame = GREY[:16, :16]
    picture = overlay(frame)
    assert picture.shape[1] == MIN_WIDTH_PX
    np.testing.assert_array_equal(frame, picture[-320:][::20, ::20, 0])


def test_the_callers_frame_is_not_drawn_on() -> None:
    """The frame stays as it was."""
    frame = RGB.copy()
    overlay(frame, np.ones((64, 64), np.float32), (Defect(Box(9, 9, 50, 50), 1, None, 0.9, "defect"),))
    np.testing.assert_array_equal(RGB, frame)


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_png_comes_back_exactly(pixels: NDArray[np.uint8]) -> None:
    """What is encoded as PNG decodes to the same pixels, colours in order."""
    np.testing.assert_array_equal(pixels, decode(encode_png(pixels)))


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_jpeg_comes_back_nearly(pixels: NDArray[np.uint8]) -> None:
    """What is encoded as JPEG at 95 decodes to nearly the same pixels, and a lower quality takes fewer bytes."""
    smooth = cv2.GaussianBlur(pixels, (0, 0), 3).astype(np.uint8)
    assert np.abs(smooth.astype(int) - decode(encode_jpeg(smooth, 95))).mean() < 2
    assert len(encode_jpeg(smooth, 50)) < len(encode_jpeg(smooth, 95))

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_imaging.decoding import decode
from flawgate_imaging.defects import Box, Defect
from flawgate_imaging.encoding import encode_jpeg, encode_png
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.overlay import BANNER_COLOURS, MIN_WIDTH_PX, Drawing, mask_png, overlay_png
from flawgate_imaging.tints import PALETTE, RAMP, text_colour_on

GREY = np.random.default_rng(1).integers(60, 200, (300, 400), dtype=np.uint8)
RGB = np.random.default_rng(2).integers(60, 200, (300, 400, 3), dtype=np.uint8)
GEOMETRY = Geometry.identity(400, 300).then_resized(512, 512)
NOTHING = np.zeros((1, 64, 64), np.float32)
BANNER_PX = 26


def drawn(frame: NDArray[np.uint8], drawing: Drawing) -> NDArray[np.uint8]:
    """The overlay's pixels, RGB."""
    geometry = Geometry.identity(frame.shape[1], frame.shape[0]).then_resized(512, 512)
    return decode(overlay_png(frame, geometry, drawing))


def overlay(
    frame: NDArray[np.uint8],
    mask: NDArray[np.float32] | NDArray[np.uint8] = NOTHING,
    defects: tuple[Defect, ...] = (),
    evaluation: str = "OK",
) -> NDArray[np.uint8]:
    """The overlay of a mask of one class."""
    return drawn(frame, Drawing(evaluation, 0.5, 0.9, defects, mask, ("defect",)))


def test_mask_has_the_frames_size_and_keeps_its_values() -> None:
    """The mask comes as grey PNG in the frame's size, probability × 255."""
    plane = np.zeros((1, 64, 64), np.uint8)
    plane[0, 32:] = 200
    mask = decode(mask_png(plane, GEOMETRY))
    assert mask.shape == (300, 400)
    assert (mask[100].max(), mask[200].min()) == (0, 200)


def test_the_mask_of_several_classes_is_whatever_is_no_background() -> None:
    """A pixel that is half background is half defective, whichever of the others it may be."""
    planes = np.zeros((3, 64, 64), np.uint8)
    planes[0], planes[1, :32], planes[2, 32:] = 155, 100, 60
    planes[0, 60:] = 255
    mask = decode(mask_png(planes, GEOMETRY))
    assert (mask[20, 20], mask[200, 20], mask[299, 20]) == (100, 100, 0)


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
    assert contrast(BANNER_COLOURS[evaluation], (255, 255, 255)) >= 4.5


def contrast(*colours: tuple[int, int, int]) -> float:
    """Of two colours (WCAG 2.2)."""
    channels = np.array(colours) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return float((luminance.max() + 0.05) / (luminance.min() + 0.05))


@pytest.mark.parametrize("probability", [np.float32(1), np.uint8(255)], ids=["float32", "uint8"])
def test_the_mask_is_tinted_and_the_rest_is_not(probability: np.float32 | np.uint8) -> None:
    """Where the map is certain the picture reddens; far from it nothing changes."""
    plane = np.zeros((1, 64, 64), probability.dtype)
    plane[0, 20:40, 20:40] = probability
    picture = overlay(GREY, plane)[-300:].astype(int)
    frame = np.stack([GREY] * 3, -1)
    assert (picture[110:170, 140:230, 0] - picture[110:170, 140:230, 1]).min() > 50
    np.testing.assert_array_equal(frame[:60], picture[:60])


def painted(picture: NDArray[np.uint8], row: int, column: int) -> NDArray[np.int64]:
    """How a pixel of an overlay of `GREY` differs from the frame's, and so which way it was tinted."""
    return np.asarray(picture[BANNER_PX + row, column], np.int64) - int(GREY[row, column])


def test_each_class_has_its_colour_and_the_legend_names_those_shown() -> None:
    """Tinted towards the class's colour; the strip below has its square, and none of a class that is not there."""
    mask = np.zeros((4, 64, 64), np.float32)
    mask[0], mask[0, :20], mask[0, 40:], mask[1, :20], mask[3, 40:] = 1, 0, 0, 1, 1
    picture = drawn(GREY, Drawing("NOT_OK", 1, 0.9, (), mask, ("background", "hole", "stain", "thread")))
    assert picture.shape == (BANNER_PX + 300 + 26, 400, 3)
    for row, colour in ((50, PALETTE[0]), (250, PALETTE[2])):
        wanted = 0.55 * (np.array(colour) - int(GREY[row, 200]))
        assert painted(picture, row, 200) == pytest.approx(wanted, abs=1)
    assert painted(picture, 150, 200).tolist() == [0, 0, 0]
    strip = {tuple(pixel) for pixel in picture[BANNER_PX + 300 :].reshape(-1, 3).tolist()}
    assert [colour in strip for colour in PALETTE[:3]] == [True, False, True]


def test_where_nothing_was_found_of_several_classes_there_is_no_legend() -> None:
    """And the frame is untouched."""
    mask = np.zeros((3, 64, 64), np.uint8)
    mask[0] = 255
    picture = drawn(GREY, Drawing("OK", 0, 0.9, (), mask, ("background", "hole", "stain")))
    np.testing.assert_array_equal(np.stack([GREY] * 3, -1), picture[BANNER_PX:])


def test_a_defect_of_several_classes_is_boxed_in_its_colour() -> None:
    """With a label that is read on it."""
    box = Defect(Box(150, 100, 30, 20), 600, None, 0.98, "stain")
    mask = np.zeros((3, 64, 64), np.uint8)
    picture = drawn(GREY, Drawing("NOT_OK", 1, 0.9, (box,), mask, ("background", "hole", "stain")))
    found = {tuple(pixel) for pixel in picture[BANNER_PX:].reshape(-1, 3).tolist()}
    assert PALETTE[1] in found
    assert PALETTE[0] not in found


def test_a_residual_is_a_heat_map_with_its_scale() -> None:
    """Hotter towards twice the threshold, with a bar from the first colour to the last below."""
    mask = np.zeros((1, 64, 64), np.float32)
    mask[0, 20:40, 20:40] = 0.4
    picture = drawn(GREY, Drawing("NOT_OK", 0.4, 0.2, (), mask, ("anomaly",), mask_threshold=0.2, is_residual=True))
    wanted = 0.55 * (np.array(RAMP[-1]) - int(GREY[140, 190]))
    assert painted(picture, 140, 190) == pytest.approx(wanted, abs=1)
    assert painted(picture, 20, 20).tolist() == [0, 0, 0]
    strip = {tuple(pixel) for pixel in picture[BANNER_PX + 300 :].reshape(-1, 3).tolist()}
    assert {RAMP[0], RAMP[-1]} <= strip


def test_an_even_frame_has_a_heat_map_too() -> None:
    """Without any residual it is the frame, with the scale below."""
    picture = drawn(GREY, Drawing("OK", 0, 0.2, (), NOTHING, ("anomaly",), mask_threshold=0.2, is_residual=True))
    np.testing.assert_array_equal(np.stack([GREY] * 3, -1), picture[BANNER_PX : BANNER_PX + 300])
    assert len(picture) == BANNER_PX + 300 + 26


@pytest.mark.parametrize(("classes", "rows"), [(2, 1), (40, 3)])
def test_a_classification_is_told_below_the_untouched_frame(classes: int, rows: int) -> None:
    """The likeliest five, wrapped where the frame is narrow; no mask, no box."""
    told = [(f"a kind of defect {number}", number / classes) for number in range(classes)]
    picture = drawn(GREY, Drawing("NOT_OK", 1, 0.9, probabilities=told))
    np.testing.assert_array_equal(np.stack([GREY] * 3, -1), picture[BANNER_PX : BANNER_PX + 300])
    assert len(picture) == BANNER_PX + 300 + rows * 26
    assert picture[BANNER_PX + 300 :].max() > 200


def test_where_areas_decide_the_banner_says_so_instead_of_a_threshold() -> None:
    """A score of 1 beside a threshold of 0.9, and OK, would look like a mistake."""
    by_area = Drawing("OK", 1, None, reason="AREAS_WITHIN_LIMITS")
    banners = [
        drawn(GREY, drawing)[:BANNER_PX]
        for drawing in (by_area, replace(by_area, reason="AREA_ABOVE_LIMIT"), replace(by_area, threshold=0.9))
    ]
    assert len({banner.tobytes() for banner in banners}) == 3


@pytest.mark.parametrize("colour", PALETTE)
def test_labels_can_be_read(colour: tuple[int, int, int]) -> None:
    """Black or white on each class's colour, at a contrast of at least 3.5 : 1."""
    assert contrast(colour, text_colour_on(colour)) >= 3.5


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
    overlay(frame, np.ones((1, 64, 64), np.float32), (Defect(Box(9, 9, 50, 50), 1, None, 0.9, "defect"),))
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


def explained(probability: float, explanation: NDArray[np.float32] | NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """The overlay of a classification."""
    told = [("good", 1 - probability), ("hole", probability)]
    return drawn(
        RGB, Drawing("OK", probability, 0.9, classes=("good", "hole"), probabilities=told, explanation=explanation)
    )


@pytest.mark.parametrize("hottest", [np.float32(1), np.uint8(255)], ids=["floats", "bytes"])
def test_an_explanation_is_a_heat_map(hottest: np.float32 | np.uint8) -> None:
    """Where the class is seen the picture takes the ramp's hottest colour; where it is not, it stays as it is."""
    seen: NDArray[Any] = np.repeat([hottest * 0, hottest], 4)[:, np.newaxis].repeat(8, 1).astype(hottest.dtype)
    picture = explained(1.0, seen)
    frame = picture[BANNER_PX : BANNER_PX + 300]
    np.testing.assert_array_equal(frame[:120], RGB[:120])
    expected = RGB[200:] + 0.55 * (np.array(RAMP[-1], np.float32) - RGB[200:])
    np.testing.assert_allclose(frame[200:], expected, atol=1.0)


def test_an_explanation_is_as_faint_as_its_class_is_improbable() -> None:
    """A map that always reaches up to 1 makes no glaring spot on a part that is almost surely good."""
    seen = np.ones((8, 8), np.float32)
    sure, unsure = (np.abs(frame_of(explained(value, seen)) - RGB.astype(int)).mean() for value in (1.0, 0.6))
    assert unsure == pytest.approx(0.6 * sure, rel=0.02)
    faint = Drawing("OK", 0.001, 0.9, classes=("hole",), probabilities=[("hole", 0.001)], explanation=seen)
    np.testing.assert_array_equal(RGB, frame_of(drawn(RGB, faint)))


def frame_of(picture: NDArray[np.uint8]) -> NDArray[np.int_]:
    """The rows between banner and legend."""
    return picture[BANNER_PX : BANNER_PX + 300].astype(int)


def test_the_legend_of_an_explanation_stands_below_the_probabilities() -> None:
    """One strip more than without, with the whole ramp in it; a long name leaves room for it."""
    seen = np.ones((8, 8), np.float32)
    plain, with_map = explained(0.7, None), explained(0.7, seen)
    assert len(with_map) - len(plain) == BANNER_PX
    long = Drawing("OK", 0.9, 0.9, classes=("w" * 200,), probabilities=[("w" * 200, 0.9)], explanation=seen)
    for picture in (with_map, drawn(RGB, long)):
        colours = {tuple(pixel) for pixel in picture[-BANNER_PX // 2].tolist()}
        assert {RAMP[0], RAMP[-1]} <= colours

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from support.pictures import spot_pixels, spot_png

PATH = "/v1/inspections"


def inspected(gateway: httpx.Client, data: bytes, **fields: str) -> dict[str, str]:
    """The links of a new inspection."""
    links: dict[str, str] = gateway.post(PATH, data={"recipe": "spot", **fields}, files={"file": data}).json()["links"]
    return links


def picture(gateway: httpx.Client, link: str) -> NDArray[np.uint8]:
    """The pixels behind a link, as stored."""
    answer = gateway.get(link)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def test_the_mask_is_grey_and_has_the_frames_size(gateway: httpx.Client) -> None:
    """8 bit, one channel, bright where the spot is and black far from it."""
    mask = picture(gateway, inspected(gateway, spot_png(255))["mask"])
    assert mask.shape == (32, 24)
    assert mask[12, 4] > 200
    assert mask[28, 20] == 0


def test_the_mask_of_a_larger_frame_has_that_frames_size(gateway: httpx.Client) -> None:
    """The way back to the original frame is the geometry's, not the network's input."""
    pixels = np.zeros((320, 240), np.uint8)
    pixels[80:160, 80:160] = 255
    fields = {"width": "240", "height": "320", "channels": "1"}
    mask = picture(gateway, inspected(gateway, pixels.tobytes(), **fields)["mask"])
    assert mask.shape == (320, 240)
    assert mask[120, 120] > 200
    assert mask[300, 20] == 0


def test_the_overlay_shows_frame_and_evaluation(gateway: httpx.Client) -> None:
    """RGB, at least as large as the frame, and not the same for a good and a bad part."""
    bad = picture(gateway, inspected(gateway, spot_png(255))["overlay"])
    good = picture(gateway, inspected(gateway, spot_png(0))["overlay"])
    assert bad.ndim == 3
    assert bad.shape == good.shape
    assert bad.shape[0] > 32
    assert bad.shape[1] >= 24
    assert not np.array_equal(bad, good)


def test_raw_pixels_can_be_drawn_on_too(gateway: httpx.Client) -> None:
    """The overlay of raw pixels is that of the same picture as a file."""
    fields = {"width": "24", "height": "32", "channels": "1"}
    raw = picture(gateway, inspected(gateway, spot_pixels(255).tobytes(), **fields)["overlay"])
    assert np.array_equal(raw, picture(gateway, inspected(gateway, spot_png(255))["overlay"]))


@pytest.mark.parametrize("kind", ["", "/mask.png", "/overlay.png"])
def test_an_inspection_that_is_not_kept_is_a_clear_404(gateway: httpx.Client, kind: str) -> None:
    """Inspection, mask and overlay alike."""
    answer = gateway.get(f"{PATH}/01a1fd48-1c43-75e7-821b-7540ae758d07{kind}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "UNKNOWN_INSPECTION"
    assert "01a1fd48" in answer.json()["detail"]

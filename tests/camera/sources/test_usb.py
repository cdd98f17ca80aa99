from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.camera_parts import read_pictures

from flawgate_camera.config.sources import UsbSource as Config
from flawgate_camera.sources.base import Cause, SourceFailed
from flawgate_camera.sources.usb import UsbSource, devices


class FakeDevice:
    """A capture of OpenCV with so many blue pictures."""

    def __init__(self, pictures: int) -> None:
        self._left = pictures
        self.asked: dict[int, float] = {}
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
        """Where there is something to give."""
        return self._left > 0

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Blue, in OpenCV's order."""
        self._left -= 1
        return (True, np.full((4, 6, 3), (255, 0, 0), np.uint8)) if self._left >= 0 else (False, None)

    def get(self, prop: int, /) -> float:
        """Nothing is known."""
        return 0.0

    def set(self, prop: int, value: float, /) -> bool:
        """Remember."""
        self.asked[prop] = value
        return True

    def release(self) -> None:
        """Remember."""
        self.released = True


def test_a_device_gives_pictures_until_it_is_unplugged() -> None:
    """It is asked for what the table says, its pictures come as RGB, and its end is told."""
    device = FakeDevice(2)
    source = UsbSource(Config(kind="usb", width=640, pixel_format="MJPG"), lambda _device, _backend: device)
    source.open()
    assert device.asked == {cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG")}
    assert read_pictures(source, 2)[0].pixels[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(SourceFailed, match="gives no pictures any more") as raised:
        source.read()
    assert raised.value.cause is Cause.ENDED
    source.close()
    assert device.released


def test_a_missing_device_is_told() -> None:
    """A device that is not there is told with those that are."""
    source = UsbSource(Config(kind="usb", device=77))
    with pytest.raises(SourceFailed, match=r"The device 77 cannot be opened.* Devices here:") as raised:
        source.open()
    assert raised.value.cause is Cause.MISSING


def test_devices_are_listed(tmp_path: Path) -> None:
    """A technician sees which devices the system has."""
    for name in ("video1", "video0", "tty0"):
        (tmp_path / name).touch()
    assert devices(tmp_path) == [str(tmp_path / "video0"), str(tmp_path / "video1")]

"""A camera that the operating system lists."""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2

from flawgate_camera.config.sources import UsbSource as Config
from flawgate_camera.frames import Picture
from flawgate_camera.sources.base import Cause, SourceFailed, picture_of
from flawgate_camera.sources.opencv import Capture, open_capture, to_rgb

BACKEND = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY

DEVICES = Path("/dev")


def devices(folder: Path = DEVICES) -> list[str]:
    """Paths of the video devices that Linux lists; empty elsewhere."""
    return [str(path) for path in sorted(folder.glob("video*"))]


class UsbSource:
    """Reads a device until it is unplugged.

    Args:
        config: which device, and what is asked of it.
        opening: opens it; OpenCV's where a test gives no other.
    """

    live = True
    hands_over = False
    open_within_s = 30.0

    def __init__(self, config: Config, opening: Callable[[str | int, int], Capture] = open_capture) -> None:
        self._config = config
        self._opening = opening
        self._capture: Capture | None = None
        self.read_within_s = config.read_timeout_s

    def open(self) -> None:
        """Open the device, and ask it for size, rate and format."""
        capture = self._capture = self._opening(self._config.device, BACKEND)
        if not capture.isOpened():
            there = ", ".join(devices()) or "none"
            raise SourceFailed(
                Cause.MISSING,
                f"The device {self._config.device} cannot be opened; check the cable, that no other program uses it, "
                f"and the rights of this user (group `video`). Devices here: {there}.",
            )
        for prop, value in self._wishes():
            if value is not None:
                capture.set(prop, value)

    def _wishes(self) -> list[tuple[int, float | None]]:
        """In the order that V4L2 needs: the format decides which sizes there are, and those the rates."""
        config = self._config
        fourcc = None if config.pixel_format is None else cv2.VideoWriter.fourcc(*config.pixel_format)
        return [
            (cv2.CAP_PROP_FOURCC, fourcc),
            (cv2.CAP_PROP_FRAME_WIDTH, config.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, config.height),
            (cv2.CAP_PROP_FPS, config.frames_per_s),
        ]

    def read(self) -> Picture | None:
        """The next picture."""
        came, pixels = (False, None) if self._capture is None else self._capture.read()
        if not came or pixels is None:
            raise SourceFailed(
                Cause.ENDED, f"The device {self._config.device} gives no pictures any more; check its cable."
            )
        return picture_of(to_rgb(pixels))

    def taken(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Let go of the device."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

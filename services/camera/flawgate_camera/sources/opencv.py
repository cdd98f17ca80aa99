"""OpenCV's video capture: quiet, in our colours, and behind a small protocol."""

import os
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

QUIET = "-8"
"""FFmpeg's AV_LOG_QUIET. Its own lines name URLs with their passwords."""


class Capture(Protocol):
    """What we use of `cv2.VideoCapture`."""

    def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
        """Whether it is connected."""
        ...

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Whether a picture came, and it: BGR (H, W, 3) or grey (H, W), uint8, 0–255."""
        ...

    def get(self, prop: int, /) -> float:
        """A property's value; 0 where it has none."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Ask for a property's value; whether it was understood."""
        ...

    def release(self) -> None:
        """Disconnect."""
        ...


class StreamCapture(Capture, Protocol):
    """What we use of it besides, for streams."""

    def grab(self) -> bool:
        """Whether a picture came, which is not decoded yet."""
        ...

    def retrieve(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """The picture that was grabbed last, as `read` gives it."""
        ...


def open_capture(address: str | int, backend: int = cv2.CAP_ANY, options: tuple[int, ...] = ()) -> StreamCapture:
    """Open a stream, file or device; ask `isOpened` whether that worked.

    Args:
        address: URL, path or device number.
        backend: one of `cv2.CAP_*`.
        options: property, value, property, value, ... of the opening.
    """
    # FFmpeg's level is read when the first stream is opened; whoever looks for a fault may set it in the environment.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", QUIET)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2.VideoCapture(address, backend, options)  # type: ignore[return-value]  # read() is typed too widely


def to_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """From OpenCV's BGR (H, W, 3) to RGB; grey (H, W) stays as it is."""
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)

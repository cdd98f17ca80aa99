"""A video file."""

import cv2

from flawgate_camera.config.sources import FileSource as Config
from flawgate_camera.frames import Picture
from flawgate_camera.sources.base import Cause, SourceEnded, SourceFailed, picture_of
from flawgate_camera.sources.opencv import Capture, open_capture, to_rgb
from flawgate_camera.sources.pace import Pace

USUAL_FRAMES_PER_S = 25.0
"""Of a file that does not say."""


class FileSource:
    """Reads a video file from its beginning to its end, once or again and again."""

    live = False
    hands_over = False
    open_within_s = 20.0
    read_within_s = 20.0

    def __init__(self, config: Config) -> None:
        self._config = config
        self._capture: Capture | None = None
        self._pace = Pace(None)
        self._given = 0
        self._ended = False

    def open(self) -> None:
        """Open the file at its beginning."""
        path = self._config.path
        if not path.is_file():
            raise SourceFailed(Cause.MISSING, f"There is no file {path}; put it there or mend the path.")
        self._capture = open_capture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise SourceFailed(Cause.NOT_A_PICTURE, f"{path} cannot be read as a video; convert it, e.g. to MP4.")
        self._given = 0
        rate = self._capture.get(cv2.CAP_PROP_FPS) or USUAL_FRAMES_PER_S
        self._pace = Pace(rate if self._config.pace == "own" else None)

    def read(self) -> Picture | None:
        """The next picture of the file."""
        if self._capture is None or self._ended:
            raise SourceEnded
        if not self._pace.wait():
            return None
        came, pixels = self._capture.read()
        if not came or pixels is None:
            self._at_the_end()
            return None
        self._given += 1
        return picture_of(to_rgb(pixels))

    def _at_the_end(self) -> None:
        if not self._given:
            raise SourceFailed(Cause.NOT_A_PICTURE, f"There is no picture in the video {self._config.path}.")
        self.close()
        if not self._config.repeat:
            self._ended = True
            raise SourceEnded
        self.open()

    def taken(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

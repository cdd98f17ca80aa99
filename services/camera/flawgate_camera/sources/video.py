"""A network camera, by OpenCV's FFmpeg."""

from time import monotonic

import cv2

from flawgate_camera.config.sources import VideoSource as Config
from flawgate_camera.config.urls import Credentials
from flawgate_camera.frames import Picture
from flawgate_camera.sources.base import Cause, SourceFailed, picture_of
from flawgate_camera.sources.opencv import StreamCapture, open_capture, to_rgb
from flawgate_camera.sources.probing import why
from flawgate_camera.sources.stream_clock import StreamClock
from flawgate_contracts.errors import InvalidParameter

GRACE_S = 5.0
"""FFmpeg looks at its time-outs only between two steps."""


class VideoSource:
    """Reads a stream until it breaks off."""

    live = True
    hands_over = False

    def __init__(self, config: Config) -> None:
        self._config = config
        self._capture: StreamCapture | None = None
        self._clock = StreamClock()
        self._passed_over = 0
        # Motion JPEG over HTTP has no time stamps: OpenCV makes them up.
        self._is_stamped = config.url.scheme in ("rtsp", "rtsps")
        # Opening may end in a time-out, after which the camera is asked twice why.
        self.open_within_s = 4 * config.open_timeout_s + GRACE_S
        self.read_within_s = config.read_timeout_s + GRACE_S

    def open(self) -> None:
        """Connect, with what stands in the file of credentials now."""
        url, credentials = self._config.url, self._credentials()
        self._clock = StreamClock()
        self._capture = open_capture(
            url.whole(credentials),
            cv2.CAP_FFMPEG,
            (
                *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1000 * self._config.open_timeout_s)),
                *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1000 * self._config.read_timeout_s)),
            ),
        )
        if not self._capture.isOpened():
            raise why(url, credentials or url.credentials, self._config.open_timeout_s)

    def _credentials(self) -> Credentials | None:
        if self._config.credentials_file is None:
            return None
        try:
            return Credentials.read(self._config.credentials_file)
        except InvalidParameter as err:
            raise SourceFailed(Cause.CREDENTIALS, err.message) from None

    def read(self) -> Picture | None:
        """The next picture of the stream."""
        if self._capture is None:
            raise SourceFailed(Cause.ENDED, f"The stream of {self._config.url} is not open.")
        began = monotonic()
        came, age_s = self._grabbed(self._capture, began)
        came, pixels = self._capture.retrieve() if came else (False, None)
        if came and pixels is not None:
            passed_over, self._passed_over = self._passed_over, 0
            return picture_of(to_rgb(pixels), age_s=age_s, passed_over=passed_over)
        if monotonic() - began >= 0.9 * self._config.read_timeout_s:
            raise SourceFailed(
                Cause.TIMED_OUT,
                f"No picture came from {self._config.url} for {self._config.read_timeout_s:g} s; check the network.",
            )
        raise SourceFailed(Cause.ENDED, f"The stream of {self._config.url} broke off; it is opened again.")

    def _grabbed(self, capture: StreamCapture, began: float) -> tuple[bool, float]:
        """Whether a picture came, and how old it is, in seconds: of those that waited, none that is too far behind."""
        asked = began
        while capture.grab():
            now, stamp_s = monotonic(), capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not self._is_stamped:
                return True, 0.0
            age_s = self._clock.age_s(stamp_s, now, now - asked)
            if age_s <= self._config.behind_s or now - began > self._config.read_timeout_s:
                return True, age_s
            self._passed_over += 1
            asked = now
        return False, 0.0

    def taken(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Disconnect."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

"""Whether what a camera gives can be used: black, frozen, of another size; and its state, told once a change."""

from dataclasses import dataclass
from time import monotonic

import numpy as np
import structlog
from numpy.typing import NDArray

from flawgate_camera.config.cameras import Health
from flawgate_camera.frames import Picture
from flawgate_camera.ports import CameraObserver
from flawgate_camera.sources.base import Cause, SourceFailed

log = structlog.get_logger(__name__)

_STEP = 8
"""Every eighth pixel of every eighth row tells how bright a picture is."""


@dataclass(frozen=True, slots=True)
class State:
    """How a camera stands.

    Attributes:
        up: whether it gives usable pictures.
        cause: why not; None while it is up, or was never opened.
        message: the sentence that goes with it.
        since: `time.monotonic()` of the last change, in seconds.
    """

    up: bool = False
    cause: Cause | None = None
    message: str = ""
    since: float = 0.0


class Standing:
    """A camera's state, kept and told: in the log once a change, to the observer at every failure."""

    def __init__(self, camera: str, observer: CameraObserver) -> None:
        self._log = log.bind(camera=camera)
        self._observer = observer
        self._held: set[Cause] = set()
        self.state = State(since=monotonic())

    def went_up(self) -> None:
        """It gives usable pictures."""
        if self.state.up or self._held:
            return
        self.state = State(up=True, since=monotonic())
        self._observer.went_up()
        self._log.info("camera up")

    def failed(self, cause: Cause, message: str) -> None:
        """It gives none, for this cause."""
        self._observer.failed(cause)
        if self.state.up or self.state.cause is not cause:
            self.state = State(up=False, cause=cause, message=message, since=monotonic())
            self._observer.went_down()
            self._log.warning("camera down", cause=cause.value, message=message)

    def hold(self, cause: Cause, message: str) -> None:
        """It cannot be used, whatever its pictures are, until `release`."""
        self._held.add(cause)
        self.failed(cause, message)

    def release(self, cause: Cause) -> None:
        """What held it is over; its next picture shows whether it is up."""
        self._held.discard(cause)

    def remarked(self, cause: Cause, message: str) -> None:
        """Something that does not make it unusable."""
        self._observer.failed(cause)
        self._log.warning("camera remark", cause=cause.value, message=message)


class Watch:
    """Looks at each picture of one camera.

    Args:
        limits: of the camera.
        standing: told what is found.
    """

    def __init__(self, limits: Health, standing: Standing) -> None:
        self._limits = limits
        self._standing = standing
        self._shape: tuple[int, ...] = ()
        self._last: NDArray[np.uint8] | None = None
        self._changed_at = 0.0

    def look(self, picture: Picture, *, live: bool) -> bool:
        """Look at a picture, and say what is wrong with it.

        Returns:
            Whether it can be used as far as can be seen here.

        Raises:
            SourceFailed: the camera is frozen: a picture of the past must not be judged as one of the present.
        """
        self._compare_sizes(picture)
        if self._is_black(picture):
            return False
        if live and self._limits.frozen_after_s:
            self._compare_pixels(picture)
        return True

    def _compare_sizes(self, picture: Picture) -> None:
        shape = picture.pixels.shape
        if self._shape and shape != self._shape:
            self._standing.remarked(
                Cause.SIZE_CHANGED,
                f"Its pictures have {shape[1]} × {shape[0]} pixels now, {self._shape[1]} × {self._shape[0]} before; "
                "set the camera back, or check the region and the recipe.",
            )
        self._shape = shape

    def _compare_pixels(self, picture: Picture) -> None:
        """Sensor noise makes each picture of a live camera another one."""
        if self._last is None or not np.array_equal(picture.pixels, self._last):
            self._last, self._changed_at = picture.pixels, picture.acquired
        elif picture.acquired - self._changed_at >= self._limits.frozen_after_s:
            raise SourceFailed(
                Cause.FROZEN,
                f"It has given the very same picture for {self._limits.frozen_after_s:g} s; it is opened again. "
                "If it does not help, switch the camera off and on.",
            )

    def _is_black(self, picture: Picture) -> bool:
        mean = float(picture.pixels[::_STEP, ::_STEP].mean())
        black = mean < self._limits.black_below
        if black and self._standing.state.cause is not Cause.BLACK:
            self._standing.failed(
                Cause.BLACK, f"Its pictures are black (mean {mean:.1f} of 255); check lens cap, light and exposure."
            )
        return black

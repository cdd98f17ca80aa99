"""What a source is, and how it fails."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flawgate_camera.frames import Picture, Trigger


class Cause(StrEnum):
    """Why a camera is down; few, for they label metrics."""

    UNREACHABLE = "UNREACHABLE"
    """Nothing answers at its address."""
    CREDENTIALS = "CREDENTIALS"
    """It asks for a user and a password, and does not take those given."""
    MISSING = "MISSING"
    """There is no such device, file, folder or stream."""
    NOT_A_PICTURE = "NOT_A_PICTURE"
    """What it gives cannot be read as a picture."""
    ENDED = "ENDED"
    """The stream broke off."""
    TIMED_OUT = "TIMED_OUT"
    """No picture came within the time for it."""
    HUNG = "HUNG"
    """Its driver did not come back at all; the thread was given up."""
    FROZEN = "FROZEN"
    """The very same pixels over and over."""
    BLACK = "BLACK"
    """Its pictures are black."""
    SIZE_CHANGED = "SIZE_CHANGED"
    """Its pictures have another size than before."""
    REGION_OUTSIDE = "REGION_OUTSIDE"
    """The region of interest does not lie within its pictures."""
    NOT_INSTALLED = "NOT_INSTALLED"
    """A library or driver that it needs is not installed."""
    TRIGGER = "TRIGGER"
    """Its trigger cannot be served."""
    GATEWAY = "GATEWAY"
    """The part that speaks with the gateway does not run."""
    ALARMS = "ALARMS"
    """The part that shows its alarms does not run."""
    SETUP = "SETUP"
    """Its parts cannot be made, e.g. since its spool cannot be opened."""
    JUDGEMENT = "JUDGEMENT"
    """A frame could not be judged by the agent itself; the gateway does. The camera is not down for it."""
    INTERNAL = "INTERNAL"
    """A bug; its traceback is in the log."""


class SourceFailed(Exception):  # noqa: N818  # reads as what happened, like those of flawgate_contracts.errors
    """A source gives no pictures; another try may help.

    Attributes:
        cause: for metrics.
        message: one sentence for a technician: what is wrong and what to do; without credentials.
    """

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


class SourceEnded(Exception):  # noqa: N818  # no error
    """The source has given all that it had, and never will give more."""


class DamagedPicture(Exception):  # noqa: N818  # as above
    """A picture was there, but cannot be read; the source goes on. The message is a sentence for a technician."""


class Source(Protocol):
    """Where pictures come from. Used by one thread.

    Attributes:
        live: whether it shows the moment, so that the very same pixels over a time mean a frozen camera.
        hands_over: whether it must know what became of its pictures, by `taken`.
        open_within_s: longest that `open` may take, in seconds; then it counts as hung.
        read_within_s: longest that `read`, `taken` and `close` may take, in seconds.
    """

    live: bool
    hands_over: bool
    open_within_s: float
    read_within_s: float

    def open(self) -> None:
        """Connect.

        Raises:
            SourceFailed: it cannot.
        """
        ...

    def read(self) -> Picture | None:
        """The next picture; None where none came in a short time and that is no failure.

        Raises:
            SourceFailed: no picture will come until it is opened again.
            SourceEnded: no picture will ever come.
            DamagedPicture: this one cannot be read; it counts as given.
        """
        ...

    def taken(self) -> None:
        """The oldest of the pictures given that this was not said of is safe, or not wanted: it may be put away.

        Raises:
            SourceFailed: it cannot be put away; it is tried again when the source is opened again.
        """
        ...

    def close(self) -> None:
        """Let go of everything. It may be opened again, and then still knows what it has given."""
        ...


def picture_of(
    pixels: NDArray[np.uint8],
    *,
    trigger: Trigger | None = None,
    file: bytes | None = None,
    age_s: float = 0.0,
    passed_over: int = 0,
) -> Picture:
    """A picture taken just now, or `age_s` seconds ago. `pixels`: grey (H, W) or RGB (H, W, 3), uint8, 0–255."""
    taken_at = datetime.now(UTC) - timedelta(seconds=age_s)
    return Picture(pixels, taken_at, monotonic() - age_s, trigger or Trigger(), file, passed_over)

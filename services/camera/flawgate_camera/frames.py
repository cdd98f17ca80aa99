"""What passes between the agent's parts: pictures, numbered frames, gaps."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class DropCause(StrEnum):
    """Why a frame was dropped; the names are those of the proto's `DropCause`, without their prefix."""

    SUPERSEDED = "SUPERSEDED"
    """`latest`: a newer frame took its place in the buffer."""
    STALE = "STALE"
    """`latest`: older than the staleness budget before it could be sent, or answered."""
    SPOOL_FULL = "SPOOL_FULL"
    """`lossless`: the spool has reached its bound of bytes, or the disk is full."""
    SPOOL_EXPIRED = "SPOOL_EXPIRED"
    """`lossless`: it lay in the spool for longer than the bound of age."""
    SPOOL_DAMAGED = "SPOOL_DAMAGED"
    """`lossless`: the spool's file was damaged."""
    ENCODING_FAILED = "ENCODING_FAILED"
    """It could not be encoded."""
    REFUSED = "REFUSED"
    """The gateway refused it for good."""
    FAILED = "FAILED"
    """`latest`: the gateway, or what stands behind it, failed."""
    STOPPED = "STOPPED"
    """The agent was stopped before it was sent."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What made the camera take a frame, and which part lies before it; each 1 to 128 characters, or None."""

    id: str | None = None
    part: str | None = None
    lot: str | None = None
    work_order: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How raw pixels lie: rows from the top, `channels` bytes a pixel (1 grey, 3 RGB), no padding."""

    width: int
    height: int
    channels: int


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a source gives.

    Attributes:
        pixels: grey (H, W) or RGB (H, W, 3), uint8, 0–255.
        acquired_at: UTC, by the wall clock: for the record only.
        acquired: seconds of `time.monotonic()`: for ages, which a clock stepped back must not change.
        trigger: what made the camera take it.
        file: the source's own encoded file, where it has one and nothing was cut out of it.
        passed_over: pictures before it that came too late and were not looked at.
    """

    pixels: NDArray[np.uint8]
    acquired_at: datetime
    acquired: float
    trigger: Trigger = field(default_factory=Trigger)
    file: bytes | None = None
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """Numbered and encoded, ready to be sent.

    Attributes:
        sequence: from 1, without a hole in its stream.
        data: a PNG, JPEG, BMP or TIFF file; raw pixels where `layout` is given.
        layout: of raw pixels; None for a file.
        acquired_at: UTC, by the wall clock.
        acquired: seconds of `time.monotonic()`; None for a frame that was taken before this process began.
        trigger: what made the camera take it.
        decided: the serialised message `Inspection` of a frame that this agent has judged itself.
    """

    sequence: int
    data: bytes
    layout: Layout | None
    acquired_at: datetime
    acquired: float | None
    trigger: Trigger = field(default_factory=Trigger)
    decided: bytes | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames that nobody will inspect: numbers `first` to `last`, both included, taken from `since` to `until`, UTC."""

    first: int
    last: int
    cause: DropCause
    since: datetime
    until: datetime

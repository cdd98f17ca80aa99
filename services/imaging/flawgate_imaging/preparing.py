"""From a frame to what the models take: decode under limits, measure the picture, carry out the steps."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.steps import Step
from flawgate_imaging import decoding, pipeline, quality
from flawgate_imaging.decoding import Limits
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.quality import Measures


@dataclass(frozen=True, slots=True)
class RawFrame:
    """Pixels without a file format around them: rows from the top, 1 or 3 (R, G, B) bytes a pixel, 0–255."""

    data: bytes
    width: int
    height: int
    channels: int


@dataclass(frozen=True, slots=True)
class PreparedTensor:
    """What the models take, and the way back to the frame."""

    tensor: NDArray[np.uint8]
    """(channels, height, width), uint8, 0–255."""
    geometry: Geometry
    decode_seconds: float
    steps_seconds: float
    quality: Measures | None = None
    """Of the decoded frame; None where it was not asked for."""


def prepare(
    frame: bytes | RawFrame, steps: Sequence[Step], limits: Limits, *, measure_quality: bool = False
) -> PreparedTensor:
    """Decode a frame and carry out the steps, in order.

    Args:
        frame: an encoded picture, or raw pixels.
        steps: from the frame to the tensor.
        limits: bounds on bytes and pixels, checked before anything is decoded.
        measure_quality: whether to measure the picture itself, before the steps.

    Raises:
        InvalidRequest: of the class that fits: empty, not a picture, truncated, too large, unsupported.
    """
    started = time.perf_counter()
    pixels = _decode(frame, limits)
    decoded = time.perf_counter()
    measures = quality.measure(pixels) if measure_quality else None
    measured = time.perf_counter()
    prepared = pipeline.apply(pixels, steps)
    tensor = pipeline.to_tensor(prepared.pixels)
    return PreparedTensor(tensor, prepared.geometry, decoded - started, time.perf_counter() - measured, measures)


def _decode(frame: bytes | RawFrame, limits: Limits) -> NDArray[np.uint8]:
    if isinstance(frame, bytes):
        return decoding.decode(frame, limits)
    return decoding.decode_raw(
        frame.data, width=frame.width, height=frame.height, channels=frame.channels, limits=limits
    )

"""What preprocessing is: decode under limits, carry out the steps. Nothing here knows gRPC."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.steps import STEPS, Step
from flawgate_imaging import decoding, pipeline
from flawgate_imaging.decoding import Limits
from flawgate_imaging.geometry import Geometry


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


def read_steps(documents: Sequence[dict[str, Any]]) -> tuple[Step, ...]:
    """The steps that a request names.

    Raises:
        InvalidParameter: a step is unknown, or a parameter of it missing, unknown or out of range.
    """
    try:
        return STEPS.validate_python(documents)
    except ValidationError as err:
        fault = err.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise InvalidParameter(f"Step {place}: {fault['msg']}.", {"field": f"steps.{place}"}) from err


def preprocess(frame: bytes | RawFrame, steps: Sequence[Step], limits: Limits) -> PreparedTensor:
    """Decode a frame and carry out the steps, in order.

    Args:
        frame: an encoded picture, or raw pixels.
        steps: from the frame to the tensor.
        limits: bounds on bytes and pixels, checked before anything is decoded.

    Raises:
        InvalidRequest: of the class that fits: empty, not a picture, truncated, too large, unsupported.
    """
    started = time.perf_counter()
    pixels = _decode(frame, limits)
    decoded = time.perf_counter()
    prepared = pipeline.apply(pixels, steps)
    tensor = pipeline.to_tensor(prepared.pixels)
    return PreparedTensor(tensor, prepared.geometry, decoded - started, time.perf_counter() - decoded)


def _decode(frame: bytes | RawFrame, limits: Limits) -> NDArray[np.uint8]:
    if isinstance(frame, bytes):
        return decoding.decode(frame, limits)
    return decoding.decode_raw(
        frame.data, width=frame.width, height=frame.height, channels=frame.channels, limits=limits
    )

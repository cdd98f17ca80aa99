"""The way back from a tensor's pixels to those of the original frame."""

import math
from dataclasses import dataclass
from typing import Self, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Affine = tuple[float, float, float, float, float, float]
Sample = TypeVar("Sample", np.float32, np.uint8)

_ROUNDING = 1e-6
"""Pixels by which a computed edge may miss the true one."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """From pixels of a tensor (or of any map spread over it) back to pixels of the original frame.

    Coordinates name pixel centres: (0, 0) is the centre of the top left pixel, whose area reaches from -0.5 to 0.5.
    Scaling by s therefore sends x to s · (x + 0.5) - 0.5, as `cv2.resize` does.

    Attributes:
        frame_width: columns of the original frame as decoded (after EXIF orientation), in pixels.
        frame_height: rows of it.
        matrix: row-major 2×3 affine, from tensor pixel coordinates (x, y) to frame pixel coordinates; made of scalings,
            shifts and quarter turns, so that rows and columns stay straight.
        tensor_width: columns of the tensor, in pixels.
        tensor_height: rows of it.
    """

    frame_width: int
    frame_height: int
    matrix: Affine
    tensor_width: int
    tensor_height: int

    @classmethod
    def identity(cls, width: int, height: int) -> Self:
        """A tensor that is the frame itself, `width` × `height` pixels."""
        return cls(width, height, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), width, height)

    def then_resized(self, height: int, width: int) -> "Geometry":
        """The geometry after the tensor is resized to `height` × `width` pixels."""
        return self._from_moved(self._spread(height, width), width, height)

    def then_cropped(self, x: int, y: int, width: int, height: int) -> "Geometry":
        """The geometry after `width` × `height` pixels of the tensor, from (x, y) on, are kept."""
        return self._from_moved((1, 0, x, 0, 1, y), width, height)

    def then_rotated(self, quarter_turns: int) -> "Geometry":
        """The geometry after the tensor is turned clockwise by `quarter_turns` (1, 2 or 3) times 90°."""
        right, bottom = self.tensor_width - 1, self.tensor_height - 1
        unturned: dict[int, Affine] = {
            1: (0, 1, 0, -1, 0, bottom),
            2: (-1, 0, right, 0, -1, bottom),
            3: (0, -1, right, 1, 0, 0),
        }
        width, height = self.tensor_width, self.tensor_height
        size = (width, height) if quarter_turns == 2 else (height, width)
        return self._from_moved(unturned[quarter_turns], *size)

    def to_frame(self, x: float, y: float) -> tuple[float, float]:
        """The point of the frame that the tensor's point (x, y) shows. Pixel coordinates, x to the right, y down."""
        a, b, c, d, e, f = self.matrix
        return a * x + b * y + c, d * x + e * y + f

    def map_to_frame(self, plane: NDArray[Sample]) -> NDArray[Sample]:
        """Warp a map onto the original frame, bilinearly.

        Args:
            plane: (h, w), float32 or uint8; of any resolution, spread over the whole tensor.

        Returns:
            (frame_height, frame_width), of the same dtype and range; 0 where the tensor does not show the frame,
            because it was cropped away.
        """
        matrix = np.array(_after(self.matrix, self._spread(*plane.shape)), np.float64).reshape(2, 3)
        size = (self.frame_width, self.frame_height)
        warped = cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        on_frame = np.zeros((self.frame_height, self.frame_width), plane.dtype)
        on_frame[self._shown()] = warped[self._shown()]
        return on_frame

    def _shown(self) -> tuple[slice, slice]:
        """Rows and columns of the frame whose centres the tensor shows: one rectangle, as turns are quarter turns."""
        first = self.to_frame(-0.5, -0.5)
        last = self.to_frame(self.tensor_width - 0.5, self.tensor_height - 0.5)
        columns, rows = (
            slice(max(0, math.ceil(min(ends) - _ROUNDING)), math.floor(max(ends) + _ROUNDING) + 1)
            for ends in zip(first, last, strict=True)
        )
        return rows, columns

    def _spread(self, height: int, width: int) -> Affine:
        """From pixels of a `height` × `width` map, spread over the tensor, to pixels of the tensor."""
        sx, sy = self.tensor_width / width, self.tensor_height / height
        return sx, 0.0, (sx - 1) / 2, 0.0, sy, (sy - 1) / 2

    def _from_moved(self, back: Affine, width: int, height: int) -> "Geometry":
        """The geometry of a moved tensor of `width` × `height` pixels, whose way back to this one's is `back`."""
        return Geometry(self.frame_width, self.frame_height, _after(self.matrix, back), width, height)


def _after(second: Affine, first: Affine) -> Affine:
    """One affine after another."""
    a, b, c, d, e, f = second
    g, h, i, j, k, m = first
    return a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f

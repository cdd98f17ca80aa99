"""The way back from a tensor's pixels to those of the original frame."""

from dataclasses import dataclass
from typing import Self, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Affine = tuple[float, float, float, float, float, float]
Sample = TypeVar("Sample", np.float32, np.uint8)


@dataclass(frozen=True, slots=True)
class Geometry:
    """From pixels of a tensor (or of any map spread over it) back to pixels of the original frame.

    Coordinates name pixel centres: (0, 0) is the centre of the top left pixel, whose area reaches from -0.5 to 0.5.
    Scaling by s therefore sends x to s · (x + 0.5) - 0.5, as `cv2.resize` does.

    Attributes:
        frame_width: columns of the original frame as decoded (after EXIF orientation), in pixels.
        frame_height: rows of it.
        matrix: row-major 2×3 affine, from tensor pixel coordinates (x, y) to frame pixel coordinates.
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
        matrix = self._from_spread(height, width)
        return Geometry(self.frame_width, self.frame_height, matrix, width, height)

    def to_frame(self, x: float, y: float) -> tuple[float, float]:
        """The point of the frame that the tensor's point (x, y) shows. Pixel coordinates, x to the right, y down."""
        a, b, c, d, e, f = self.matrix
        return a * x + b * y + c, d * x + e * y + f

    def map_to_frame(self, plane: NDArray[Sample]) -> NDArray[Sample]:
        """Warp a map onto the original frame, bilinearly, its edges replicated.

        Args:
            plane: (h, w), float32 or uint8; of any resolution, spread over the whole tensor.

        Returns:
            (frame_height, frame_width), of the same dtype and range.
        """
        matrix = np.array(self._from_spread(*plane.shape), np.float64).reshape(2, 3)
        size = (self.frame_width, self.frame_height)
        warped = cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return warped.astype(plane.dtype, copy=False)

    def _from_spread(self, height: int, width: int) -> Affine:
        """The matrix from pixels of a `height` × `width` map, spread over the tensor, to pixels of the frame."""
        a, b, c, d, e, f = self.matrix
        sx, sy = self.tensor_width / width, self.tensor_height / height
        tx, ty = (sx - 1) / 2, (sy - 1) / 2
        return a * sx, b * sy, a * tx + b * ty + c, d * sx, e * sy, d * tx + e * ty + f

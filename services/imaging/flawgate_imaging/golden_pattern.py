"""The golden frame that every recipe has: squares of random grey or colour, the same everywhere, nobody's picture.

It is no file: whoever checks it makes it anew, also where the model repository is out of reach.
"""

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.recipe import TensorInput

PATTERN = "pattern of blocks"
"""Its name among the golden frames."""

_BLOCK_PX = 16
_SEED = 2007


def pattern(size: TensorInput) -> NDArray[np.uint8]:
    """Make it.

    Args:
        size: of the frame, as the steps prepare it.

    Returns:
        Pixels, (H, W) or (H, W, 3), uint8, 0–255.
    """
    rows, columns = (-(-side // _BLOCK_PX) for side in (size.height, size.width))
    # The raw numbers of this generator are the same in every version of numpy, which its distributions are not.
    raw = np.random.PCG64(_SEED).random_raw(rows * columns * size.channels)
    coarse = (raw >> np.uint64(56)).astype(np.uint8).reshape(rows, columns, size.channels)
    blocks = coarse.repeat(_BLOCK_PX, axis=0).repeat(_BLOCK_PX, axis=1)[: size.height, : size.width]
    return np.ascontiguousarray(blocks[..., 0] if size.channels == 1 else blocks)

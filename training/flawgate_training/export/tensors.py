"""What crosses a model's border, as Triton's configuration names it."""

from typing import Literal, NamedTuple


class TensorSpec(NamedTuple):
    """One input or output.

    Attributes:
        name: one of flawgate_contracts.kinds, e.g. `frame`.
        dtype: Triton's name of the numbers: pixels are `UINT8`, all else is `FP32` whatever the model computes with.
        dims: without the batch, e.g. (channels, height, width).
    """

    name: str
    dtype: Literal["UINT8", "FP32"]
    dims: tuple[int, ...]

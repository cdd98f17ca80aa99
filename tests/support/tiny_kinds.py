"""Tiny recipes of every kind, whose answers can be worked out by hand. See `tiny_repository`.

All take 32×24 pixels (height × width). "Red" is the largest red value of an 8×8 block, or of the frame, ÷ 255.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.recipe import AreaLimits, ModelReference, Policy, Recipe, TensorInput
from flawgate_contracts.steps import Colour, Grey, Resize
from flawgate_contracts.tiling import Tiling
from support.tiny_repository import BLOCK, HEIGHT, PROVENANCE, SPOT_SEG, WIDTH, spot_cls, spot_recipe, write_recipe

Answers = Mapping[str, NDArray[np.float32]]

TILING = Tiling(height=16, width=8, stride_y=8, stride_x=8)
"""Nine tiles, three by three; a request may hold four of them."""


@dataclass(frozen=True)
class Tiny:
    """A recipe, its models in ONNX's text format, by part, and what they say of frames, (n, C, h, w)."""

    recipe: Recipe
    graphs: Mapping[str, str]
    answers: Callable[[NDArray[np.uint8]], Answers]

    def write(self, repository: Path) -> Recipe:
        """Write version 1 of it, in force; gives the recipe."""
        return write_recipe(repository, self.recipe, self.graphs)


def tiny_recipe(name: str, kind: str, classes: tuple[str, ...], *, channels: int, **fields: Any) -> Recipe:
    """A recipe of that kind."""
    colour = Grey() if channels == 1 else Colour()
    return Recipe(
        name=name,
        version="1",
        title=f"Tiny: {name}",
        kind=kind,
        input=TensorInput(channels=channels, height=HEIGHT, width=WIDTH),
        steps=(colour, Resize(height=HEIGHT, width=WIDTH)),
        classes=classes,
        models=(ModelReference(name=f"{name}_seg", version="1", sha256="0" * 64),),
        provenance=PROVENANCE,
        **fields,
    )


def blocks(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Largest value of each block ÷ 255: (n, C, h, w), uint8 → (n, C, h/8, w/8)."""
    count, channels, height, width = frames.shape
    split = frames.reshape(count, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return np.asarray(split.max(axis=(3, 5)) / np.float32(255), np.float32)


def _spot(frames: NDArray[np.uint8]) -> Answers:
    mask = blocks(frames)
    return {"mask": mask, "score": mask.max(axis=(1, 2, 3))[:, np.newaxis]}


def _with_rest(two: NDArray[np.float32]) -> NDArray[np.float32]:
    """Red and green, and before them what is left of 1."""
    return np.concatenate([np.maximum(1 - two[:, :1] - two[:, 1:], 0), two], axis=1)


def _grey_seg(height: int, width: int) -> str:
    return SPOT_SEG.replace(f"{HEIGHT}, {WIDTH}] frame", f"{height}, {width}] frame").replace(
        "float[batch, 1, 4, 3]", f"float[batch, 1, {height // BLOCK}, {width // BLOCK}]"
    )


def _colours(head: str, name: str, shape: str) -> str:
    """A model that gives what is left of 1, red, and green; `head` makes `largest` of `unit`."""
    return f"""
model (uint8[batch, 3, {HEIGHT}, {WIDTH}] frame) => (float[batch, {shape}] {name})
<float white = {{255}}, float one = {{1}}, int64[2] parts = {{1, 1}}, int64[1] first = {{0}}, int64[1] second = {{2}},
 int64[1] channel = {{1}}> {{
    values = Cast<to = 1>(frame)
    unit = Div(values, white)
    {head}
    two = Slice(largest, first, second, channel)
    red, green = Split<axis = 1>(two, parts)
    less = Sub(one, red)
    left = Sub(less, green)
    rest = Relu(left)
    {name} = Concat<axis = 1>(rest, red, green)
}}"""


_MARKS = _colours(
    f"largest = MaxPool<kernel_shape = [{BLOCK}, {BLOCK}], strides = [{BLOCK}, {BLOCK}]>(unit)", "mask", "3, 4, 3"
)
_SORTED = _colours(
    "axes = Constant<value_ints = [2, 3]>()\n    largest = ReduceMax<keepdims = 0>(unit, axes)", "probabilities", "3"
)

_BRIGHTEST = f"""
model (uint8[batch, 1, {HEIGHT}, {WIDTH}] frame) => (float[batch, 1] probabilities)
<float white = {{255}}, int64[2] axes = {{2, 3}}> {{
    values = Cast<to = 1>(frame)
    unit = Div(values, white)
    probabilities = ReduceMax<keepdims = 0>(unit, axes)
}}"""


def _glowing(height: int, width: int) -> str:
    """As `_BRIGHTEST`, and where: the largest value of each block."""
    return f"""
model (uint8[batch, 1, {height}, {width}] frame) => (float[batch, 1] probabilities,
 float[batch, {height // BLOCK}, {width // BLOCK}] explanation)
<float white = {{255}}, int64[2] axes = {{2, 3}}, int64[1] channel = {{1}}> {{
    values = Cast<to = 1>(frame)
    unit = Div(values, white)
    probabilities = ReduceMax<keepdims = 0>(unit, axes)
    largest = MaxPool<kernel_shape = [{BLOCK}, {BLOCK}], strides = [{BLOCK}, {BLOCK}]>(unit)
    explanation = Squeeze(largest, channel)
}}"""


_TWO = f"""
model (uint8[batch, 1, {HEIGHT}, {WIDTH}] frame) => (float[batch, 2] probabilities)
<float white = {{255}}, float one = {{1}}, int64[2] axes = {{2, 3}}> {{
    values = Cast<to = 1>(frame)
    unit = Div(values, white)
    bright = ReduceMax<keepdims = 0>(unit, axes)
    dark = Sub(one, bright)
    probabilities = Concat<axis = 1>(bright, dark)
}}"""

_BLACK = f"""
model (uint8[batch, 1, {HEIGHT}, {WIDTH}] frame) => (float[batch, 1, {HEIGHT}, {WIDTH}] reconstruction)
<float zero = {{0}}> {{
    values = Cast<to = 1>(frame)
    reconstruction = Mul(values, zero)
}}"""

SPOT = Tiny(spot_recipe(), {"seg": SPOT_SEG, "cls": spot_cls()}, _spot)
"""Cascade."""

BLOB = Tiny(
    tiny_recipe("blob", "segmentation", ("blob",), channels=1),
    {"seg": _grey_seg(HEIGHT, WIDTH)},
    lambda frames: {"mask": blocks(frames)},
)
"""Segmentation of one class: bright blocks. The score is the brightest block's."""

MARKS = Tiny(
    tiny_recipe(
        "marks",
        "segmentation",
        ("background", "scratch", "stain"),
        channels=3,
        policy=Policy(areas={"scratch": AreaLimits(max_px=0), "stain": AreaLimits(max_px=2 * BLOCK**2)}),
    ),
    {"seg": _MARKS},
    lambda frames: {"mask": _with_rest(blocks(frames)[:, :2])},
)
"""Segmentation of three: red is a scratch, of which none is allowed; green a stain, of which two blocks are."""

SORTED = Tiny(
    tiny_recipe("sorted", "classification", ("good", "hole", "thread"), channels=3),
    {"cls": _SORTED},
    lambda frames: {"probabilities": _with_rest(blocks(frames)[:, :2].max(axis=(2, 3)))},
)
"""Classification with a good class: red is a hole, green a thread."""

BRIGHT = Tiny(
    tiny_recipe("bright", "classification", ("defective",), channels=1),
    {"cls": _BRIGHTEST},
    lambda frames: {"probabilities": blocks(frames).max(axis=(2, 3))},
)
"""Classification of one class: as defective as the brightest pixel."""

GLOW = Tiny(
    tiny_recipe("glow", "classification", ("defective",), channels=1, explained=True),
    {"cls": _glowing(HEIGHT, WIDTH)},
    lambda frames: {"probabilities": blocks(frames).max(axis=(2, 3)), "explanation": blocks(frames)[:, 0]},
)
"""As `bright`, with an explanation: the blocks as bright as they are."""

GLEAM = Tiny(
    tiny_recipe("gleam", "classification", ("defective",), channels=1, explained=True, tiling=TILING),
    {"cls": _glowing(TILING.height, TILING.width)},
    GLOW.answers,
)
"""As `glow`, tile by tile."""

SHADE = Tiny(
    tiny_recipe("shade", "classification", ("bright", "dark"), channels=1, good_class=False),
    {"cls": _TWO},
    lambda frames: {"probabilities": np.concatenate([_brightest(frames), 1 - _brightest(frames)], axis=1)},
)
"""Classification without a good class: bright or dark, by the brightest pixel."""

BLANK = Tiny(
    tiny_recipe("blank", "anomaly", ("anomaly",), channels=1, policy=Policy(threshold=0.5)),
    {"rec": _BLACK},
    lambda frames: {"reconstruction": np.zeros(frames.shape, np.float32)},
)
"""Anomaly: every frame is drawn black, so the residual is the mean of 5×5 pixels."""

TILED = Tiny(
    tiny_recipe("tiled", "segmentation", ("blob",), channels=1, tiling=TILING),
    {"seg": _grey_seg(TILING.height, TILING.width)},
    lambda frames: {"mask": blocks(frames)},
)
"""Segmentation of one class, tile by tile."""


def _brightest(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(blocks(frames).max(axis=(2, 3)), np.float32)


TINIES: Mapping[str, Tiny] = {
    tiny.recipe.name: tiny for tiny in (SPOT, BLOB, MARKS, SORTED, BRIGHT, GLOW, GLEAM, SHADE, BLANK, TILED)
}
"""All of them, by name."""

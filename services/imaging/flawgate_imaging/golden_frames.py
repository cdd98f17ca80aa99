"""The golden frames of a recipe's version, found and prepared. See flawgate_contracts.golden."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from flawgate_contracts.errors import DamagedModel, FlawgateError
from flawgate_contracts.golden import FILE, Golden, GoldenFrame
from flawgate_contracts.recipe import Recipe
from flawgate_imaging import decoding, pipeline
from flawgate_imaging.golden_pattern import PATTERN, pattern

Tensor = NDArray[np.uint8]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
"""Data sets name a frame by its file, some without the ending."""


@dataclass(frozen=True)
class Found:
    """A golden frame that is at hand.

    Attributes:
        frame: what must be said about it.
        tensor: (C, H, W), uint8, 0–255, as the steps prepared it.
    """

    frame: GoldenFrame
    tensor: Tensor


@dataclass(frozen=True)
class Missing:
    """A golden frame that is not.

    Attributes:
        frame: what would have to be said about it.
        why: it is not at hand.
        is_damaged: whether it is one that belongs to the version's own files.
    """

    frame: GoldenFrame
    why: str
    is_damaged: bool = False


@dataclass(frozen=True)
class Frames:
    """All golden frames of a version, in the order of golden.json.

    Attributes:
        tolerance: largest difference of a score from the one expected, 0–1.
        all: at hand or not.
    """

    tolerance: float
    all: tuple[Found | Missing, ...]

    @property
    def found(self) -> tuple[Found, ...]:
        """Those that can be checked."""
        return tuple(each for each in self.all if isinstance(each, Found))

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Those that cannot."""
        return tuple(each for each in self.all if isinstance(each, Missing))


NO_FRAMES = Frames(0.0, ())
"""Of a version that has none."""


def read(folder: Path) -> Golden | None:
    """What golden.json says of a version; None where there is none.

    Args:
        folder: of the version, `<recipe>/<version>` of the repository.

    Raises:
        DamagedModel: it cannot be read.
    """
    path = folder / FILE
    try:
        return Golden.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as err:
        raise DamagedModel(f"{path} cannot be read; export the recipe again.", {"file": str(path)}) from err


def collect(recipe: Recipe, folder: Path, pictures: Path | None) -> Frames:
    """Find the tensors of a version's golden frames, for somebody who may still refuse the version.

    Args:
        recipe: of the version.
        folder: of the version, `<recipe>/<version>` of the repository.
        pictures: folder in which frames that are not shipped are looked for by name; None: nowhere.

    Raises:
        DamagedModel: golden.json cannot be read, or a picture that is shipped is missing or another one.
    """
    golden = read(folder)
    if golden is None:
        return NO_FRAMES
    frames = Frames(golden.tolerance, tuple(_kept(recipe, folder, pictures, frame) for frame in golden.frames))
    for each in frames.missing:
        if each.is_damaged:
            raise DamagedModel(f"{each.why}; restore it, or export the recipe again.", {"frame": each.frame.name})
    return frames


def gather(recipe: Recipe, golden: Golden, folder: Path | None, pictures: Path | None) -> Frames:
    """Find as many tensors of a version's golden frames as there are, for somebody who serves it already.

    The pattern of blocks needs no file, and a picture that is damaged is one frame that is missing.

    Args:
        recipe: of the version.
        golden: what its golden.json says.
        folder: of the version, `<recipe>/<version>` of the repository; None: it is out of reach.
        pictures: as for `collect`.
    """
    found = (_made(recipe, frame) or _kept(recipe, folder, pictures, frame) for frame in golden.frames)
    return Frames(golden.tolerance, tuple(found))


def digest(tensor: Tensor) -> str:
    """SHA-256 of a tensor, (C, H, W), uint8, as hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(tensor).tobytes()).hexdigest()


def _made(recipe: Recipe, frame: GoldenFrame) -> Found | None:
    """The pattern of blocks, if it is that."""
    if frame.name != PATTERN:
        return None
    tensor = pipeline.to_tensor(pattern(recipe.input))
    return Found(frame, tensor) if digest(tensor) == frame.sha256 else None


def _kept(recipe: Recipe, folder: Path | None, pictures: Path | None, frame: GoldenFrame) -> Found | Missing:
    """From a picture."""
    if frame.picture is not None and folder is not None:
        return _shipped(folder / frame.picture, frame)
    if pictures is not None:
        return _looked_up(pictures / frame.name, recipe, frame)
    if frame.picture is not None:
        return Missing(frame, "the model repository's folder is out of reach")
    return Missing(frame, "its picture is not shipped; name the folder of the data set")


def _shipped(path: Path, frame: GoldenFrame) -> Found | Missing:
    """From the version's own PNG."""
    try:
        tensor = pipeline.to_tensor(decoding.decode(path.read_bytes()))
    except (OSError, FlawgateError):
        return Missing(frame, f"{path} is missing or no picture", is_damaged=True)
    if digest(tensor) != frame.sha256:
        return Missing(frame, f"{path} is another picture than golden.json names", is_damaged=True)
    return Found(frame, tensor)


def _looked_up(path: Path, recipe: Recipe, frame: GoldenFrame) -> Found | Missing:
    """From a picture of the data set, prepared as for inspection."""
    there = [each for each in (path, *(path.with_name(path.name + ending) for ending in _ENDINGS)) if each.is_file()]
    if not there:
        return Missing(frame, f"{path} is not there")
    try:
        tensor = pipeline.to_tensor(pipeline.apply(decoding.decode(there[0].read_bytes()), recipe.steps).pixels)
    except (OSError, FlawgateError) as err:
        return Missing(frame, f"{there[0]} cannot be read: {err}")
    if digest(tensor) != frame.sha256:
        return Missing(frame, f"{there[0]} is another picture than at the export")
    return Found(frame, tensor)

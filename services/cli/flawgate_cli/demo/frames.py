"""The demo's frames, each with what it really shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flawgate_cli.inspecting.pictures import LABEL_MARK, find_pictures
from flawgate_contracts.errors import InvalidParameter
from flawgate_imaging import decoding, textures
from flawgate_imaging.encoding import encode_png

TEXTURE_SEED = 9_000_000
"""Seeds from here on were not used in training."""
LABEL_SUFFIXES = (".bmp", ".png")


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """An encoded picture and whether its part is defective."""

    name: str
    data: bytes
    defective: bool


def generated_textures(count: int) -> Iterator[LabelledFrame]:
    """Textures with and without defects, in turn, each kind of texture in its turn. Encoded as PNG."""
    for index in range(count):
        texture = textures.INSPECTED[(index // 2) % len(textures.INSPECTED)]
        sample = textures.generate(TEXTURE_SEED + index, texture=texture, defective=index % 2 == 1)
        yield LabelledFrame(f"{texture}_{index:02d}.png", encode_png(sample.pixels), sample.defective)


def kolektor_sdd(folder: Path, count: int | None) -> list[LabelledFrame]:
    """Commutators of KolektorSDD: `kosNN/PartN.jpg`, defective where its label has a pixel above 0.

    Args:
        folder: the data set.
        count: how many, half of them defective as far as there are; None for all.

    Raises:
        InvalidParameter: the folder holds no picture with a label.
    """
    frames = [_labelled(picture, folder) for picture in find_pictures([folder])]
    if count is None:
        return frames
    bad = [frame for frame in frames if frame.defective][: count // 2]
    good = _spread([frame for frame in frames if not frame.defective], count - len(bad))
    return sorted(bad + good, key=lambda frame: frame.name)


def _labelled(picture: Path, folder: Path) -> LabelledFrame:
    labels = (picture.with_name(f"{picture.stem}{LABEL_MARK}{suffix}") for suffix in LABEL_SUFFIXES)
    label = next((path for path in labels if path.exists()), None)
    if label is None:
        raise InvalidParameter(f"{picture} has no label beside it; is {folder} a KolektorSDD folder?")
    defective = bool((decoding.decode(label.read_bytes()) > 0).any())
    return LabelledFrame(picture.relative_to(folder).as_posix(), picture.read_bytes(), defective)


def _spread(frames: list[LabelledFrame], count: int) -> list[LabelledFrame]:
    """`count` of them, evenly over the list."""
    step = max(1, len(frames) // max(1, count))
    return frames[::step][:count]

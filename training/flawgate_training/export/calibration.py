"""Frames from which int8 models learn the ranges of their numbers."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from flawgate_contracts.errors import InvalidDataset
from flawgate_contracts.tiling import Tiling
from flawgate_imaging import tiles
from flawgate_training.datasets.items import Item, Pixels
from flawgate_training.datasets.samples import Sample, Samples

FRAMES = 128

DEFECTIVE_SHARE = 0.5
"""Many times what a line sees: the highest activations are those of defects, and the ranges must hold them."""


def choose(train: Samples, validation: Samples, *, frames: int = FRAMES, tiling: Tiling | None = None) -> list[Pixels]:
    """Choose frames to calibrate on: half of them defective, every class among them, always the same ones.

    Args:
        train: samples that the network learned from.
        validation: samples that chose; asked for defective frames where `train` holds good ones alone. Whoever judges
            the network must not be seen here.
        frames: how many to choose at most, 2 or more; each class has one all the same.
        tiling: of the recipe; then tiles are chosen, of a defective frame those that show most of its defects.

    Returns:
        (H, W) or (H, W, 3), uint8, 0–255, as the steps prepare them; of a tile's size where there are tiles.

    Raises:
        InvalidDataset: no defective frame is there, or no good one, though the data set tells them apart.
    """
    learned, chose = _places(train), _places(validation)
    bad = _defective(learned) or _defective(chose)
    good = [place for place in learned if not place.item.defective]
    if not bad and len({place.item.label for place in learned}) > 1:
        return list(_shown(good, frames, tiling))  # classes of which none is bad, e.g. stitches
    _check_both(good, bad)
    half = max(1, round(frames * DEFECTIVE_SHARE))
    return [*_shown(bad, half, tiling), *_shown(good, max(1, frames - half), tiling)]


class _Place(NamedTuple):
    item: Item
    read: Callable[[], Sample]


def _places(samples: Samples) -> list[_Place]:
    return [_Place(item, partial(samples.__getitem__, place)) for place, item in enumerate(samples.items)]


def _defective(places: Sequence[_Place]) -> list[_Place]:
    return [place for place in places if place.item.defective]


def _check_both(good: Sequence[_Place], bad: Sequence[_Place]) -> None:
    lacking = [kind for kind, found in (("good", good), ("defective", bad)) if not found]
    if lacking:
        raise InvalidDataset(
            f"int8 is calibrated on good and defective frames, and no {lacking[0]} one is among those for training"
            f"{' or validation' if lacking[0] == 'defective' else ''}; add some there, or export as fp32 or fp16."
        )


def _shown(places: Sequence[_Place], count: int, tiling: Tiling | None) -> Iterator[Pixels]:
    """Up to `count` frames; or about as many tiles, as evenly from each frame as it goes."""
    chosen = _spread(places, count)
    each, more = divmod(count, len(chosen))
    for number, place in enumerate(chosen):
        sample = place.read()
        if tiling is None:
            yield sample.pixels
        else:
            yield from _tiles(sample, tiling, each + (number < more), first=number)


def _spread(places: Sequence[_Place], count: int) -> list[_Place]:
    """Up to `count`, of each class as many as of another as far as there are enough, evenly over the data set."""
    labels = sorted({place.item.label for place in places})
    groups = [[place for place in places if place.item.label == label] for label in labels]
    shares = _shares([len(group) for group in groups], count)
    return [
        group[int(where)]
        for group, share in zip(groups, shares, strict=True)
        for where in np.linspace(0, len(group) - 1, share).round()
    ]


def _shares(sizes: Sequence[int], count: int) -> list[int]:
    """How many to take of each group: one at least, then evenly until `count`, or everything, is taken."""
    shares = [1 for _ in sizes]
    open_groups = [group for group, size in enumerate(sizes) if size > 1]
    while open_groups and sum(shares) < count:
        least = min(open_groups, key=shares.__getitem__)
        shares[least] += 1
        open_groups = [group for group in open_groups if shares[group] < sizes[group]]
    return shares


def _tiles(sample: Sample, tiling: Tiling, count: int, *, first: int) -> list[Pixels]:
    """Tiles of one frame: those with most marked pixels, if any are marked; else from one on that differs by frame."""
    shown = tiles.cut(sample.pixels, tiling)
    marked = tiles.cut(sample.mask, tiling).astype(bool).reshape(len(shown), -1).sum(axis=1)
    if marked.any():
        order = [int(tile) for tile in np.argsort(-marked, kind="stable") if marked[tile]]
    else:
        order = [(first + step) % len(shown) for step in range(len(shown))]
    return [shown[tile] for tile in order[:count]]

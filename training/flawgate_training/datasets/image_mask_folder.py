"""Own pictures with masks.

Source: whoever owns the pictures. Licence: theirs; weights trained on them are called `proprietary`.

Layout: pictures and masks in folders of their own, with the same names and the same folders within ::

    DIR/images/part1/left.jpg
    DIR/masks/part1/left.png                    or left_mask.png
    DIR/good/part2.jpg                          also DIR/images/good/part2.jpg; needs no mask

or masks beside the pictures, as <name>_mask, <name>_label or <name>_GT ::

    DIR/part1/left.jpg
    DIR/part1/left_mask.png
    DIR/good/part2.jpg

Either may lie below train, validation and test (see `image_folder` for other names), or have these below images and
masks; `data.split.shipped` makes use of them.

Masks are PNG, BMP or TIFF, never JPEG. **A picture without a mask is an error, unless it lies in a folder named
`good`**; where a picture in such a folder has a mask, the mask counts.

A mask's values: without `data.classes`, all that is not black is the one class `defect`. With them, the value 1 is the
first class, 2 the second, ..., 0 the background; of a palette PNG the palette's indices count, whatever their colours.

Parts: what `data.group_pattern` finds in a picture's path below DIR; without, the folder that holds the picture, where
pictures lie in several (those named `good`, `images`, `train`, `validation` and `test` do not count), else the picture.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.datasets import about
from flawgate_training.datasets.files import FileSource, subset_of
from flawgate_training.datasets.indexing import Entry, index
from flawgate_training.datasets.items import Dataset
from flawgate_training.datasets.mask_files import GOOD, pairs, refuse_no_masks, roots
from flawgate_training.datasets.masks import Coding, Indexed, Marked
from flawgate_training.datasets.pairs import Pair
from flawgate_training.datasets.problems import refuse
from flawgate_training.experiment.data import ImageMaskFolderData


def load(data: ImageMaskFolderData, folder: Path) -> Dataset:
    """Index pictures and masks.

    Args:
        data: what the experiment says of them.
        folder: see above.

    Returns:
        Pictures named by their path without `images/` and the ending. Every class but the background means a bad part.

    Raises:
        InvalidDataset: no masks, pictures without a mask or masks without a picture, masks that do not fit, pictures
            in which `group_pattern` finds nothing; see also `indexing.index`.
        InvalidExperiment: `group_pattern` is no regular expression with a group.
    """
    places = roots(folder)
    refuse_no_masks(folder, places)
    classes = ("background", *(data.classes or ("defect",)))
    coding: Coding = Indexed(len(data.classes)) if data.classes else Marked()
    found = [one for place in places for one in pairs(place, folder)]
    groups = _groups(data.group_pattern, found, folder)
    entries = [
        Entry(
            one.name,
            groups[one.name],
            FileSource(folder, one.picture, one.mask, coding),
            shipped=subset_of(one.name),
        )
        for one in found
    ]
    read = index(entries, skip_corrupt=data.skip_corrupt)
    return Dataset(about.own(folder), classes, read.items, masked=True, skipped=read.skipped)


def _groups(pattern: str | None, found: Sequence[Pair], folder: Path) -> Mapping[str, str]:
    """The part that each picture shows, by the picture's name."""
    if pattern is not None:
        return _matched(pattern, found, folder)
    inner = {one.name: _part(one.name) for one in found}
    if len(set(inner.values()) - {""}) < 2:
        return {name: name for name in inner}
    return {name: f"{subset_of(name) or ''}/{part}".lstrip("/") if part else name for name, part in inner.items()}


def _part(name: str) -> str:
    """The folders above a picture, without those named good and without that of its subset."""
    above = name.split("/")[:-1]
    inner = above[1:] if subset_of(name) else above
    return "/".join(part for part in inner if part.lower() != GOOD)


def _matched(pattern: str, found: Sequence[Pair], folder: Path) -> Mapping[str, str]:
    compiled = _compiled(pattern)
    matches = {one.name: compiled.search(one.picture) for one in found}
    unmatched = [str(folder / one.picture) for one in found if (match := matches[one.name]) is None or not match[1]]
    refuse(unmatched, f"Pictures in whose path data.group_pattern {pattern!r} finds no part", "change the pattern")
    return {name: match[1] for name, match in matches.items() if match is not None}


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as err:
        raise InvalidExperiment(
            f"data.group_pattern {pattern!r} is no regular expression: {err}.", {"field": "data.group_pattern"}
        ) from err
    if not compiled.groups:
        raise InvalidExperiment(
            f"data.group_pattern {pattern!r} has no group; put the part's name into parentheses, e.g. (part\\d+).",
            {"field": "data.group_pattern"},
        )
    return compiled

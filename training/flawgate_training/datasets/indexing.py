"""Reads every picture of a data set once: can it be decoded, does its mask fit, what is its label, its checksum."""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.files import FileSource
from flawgate_training.datasets.items import Item, Pixels, Subset
from flawgate_training.datasets.problems import refuse, refuse_faults

_log = logging.getLogger(__name__)

_MAX_WORKERS = 8
_LOG_EVERY = 2000


@dataclass(frozen=True)
class Entry:
    """A picture that a layout found, not read yet.

    Attributes:
        name: see `Item`.
        group: see `Item`.
        source: the files.
        label: see `Item`; None: what the mask says.
        defective: see `Item`; None: any label but 0.
        shipped: see `Item`.
    """

    name: str
    group: str
    source: FileSource
    label: int | None = None
    defective: bool | None = None
    shipped: Subset | None = None


@dataclass(frozen=True)
class Index:
    """What was read.

    Attributes:
        items: ordered by name.
        skipped: names of the corrupt ones.
    """

    items: tuple[Item, ...]
    skipped: tuple[str, ...]


def index(entries: Sequence[Entry], *, skip_corrupt: bool) -> Index:
    """Read all pictures, several at a time.

    Args:
        entries: in any order.
        skip_corrupt: leave pictures out that cannot be decoded, or whose mask cannot.

    Raises:
        InvalidDataset: names occur twice, pictures are corrupt (and not to be left out, or all of them are), or masks
            do not fit; all faults of the first of these kinds are named together.
    """
    repeated = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    refuse(repeated, "Names that several pictures share but for their ending", "rename or remove the others")
    ordered = sorted(entries, key=lambda entry: entry.name)
    read = _read_all(ordered)
    items = tuple(one for one in read if isinstance(one, Item))
    faults = {entry.name: one for entry, one in zip(ordered, read, strict=True) if isinstance(one, InvalidDataset)}
    skipped = [name for name, one in faults.items() if one.metadata["problem"] == "corrupt"]
    if not skip_corrupt or not items:
        skipped = []
    refuse_faults([one for name, one in faults.items() if name not in skipped])
    return Index(items, tuple(skipped))


def _read_all(entries: Sequence[Entry]) -> list[Item | InvalidDataset]:
    """In the order of the entries: an item, or what is wrong with it."""
    read = []
    with ThreadPoolExecutor(min(_MAX_WORKERS, os.cpu_count() or 1)) as pool:
        for number, one in enumerate(pool.map(_read, entries), start=1):
            read.append(one)
            if number % _LOG_EVERY == 0:
                _log.info("read %d of %d pictures", number, len(entries))
    return read


def _read(entry: Entry) -> Item | InvalidDataset:
    try:
        data = entry.source.encoded()
        picture = entry.source.decoded(data)
    except InvalidDataset as err:
        return err
    label = entry.label if entry.label is not None else _label(picture.mask)
    return Item(
        name=entry.name,
        group=entry.group,
        label=label,
        defective=entry.defective if entry.defective is not None else label > 0,
        sha256=sha256(data).hexdigest(),
        source=entry.source,
        shipped=entry.shipped,
        pixels_sha256=sha256(str(picture.pixels.shape).encode() + picture.pixels.tobytes()).hexdigest(),
    )


def _label(mask: Pixels | None) -> int:
    """The class of most marked pixels, the lower index where two have as many; 0 where none is marked."""
    if mask is None or not mask.any():
        return 0
    return int(np.bincount(mask[mask > 0]).argmax())

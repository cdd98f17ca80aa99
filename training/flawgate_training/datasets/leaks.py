"""Finds what would make figures too good: one picture in two subsets."""

from collections.abc import Iterator

from flawgate_training.datasets.items import Item
from flawgate_training.datasets.problems import refuse
from flawgate_training.datasets.splits import Subsets


def find(subsets: Subsets) -> None:
    """Make sure that no picture is in two subsets, whatever its file is called and however it is compressed.

    Raises:
        InvalidDataset: two subsets share pictures, alike in every decoded pixel; ten pairs are named, all are counted.
    """
    refuse(
        [f"{first} = {second}" for first, second in _pairs(subsets)],
        "The same picture stands in two subsets",
        "remove one of each two, or make them one part (data.group_pattern), lest the test be of what was learned",
    )


def _pairs(subsets: Subsets) -> Iterator[tuple[str, str]]:
    """Where a picture is again, and where it was first; `train/name` each."""
    first: dict[str, tuple[str, Item]] = {}
    for subset, items in subsets.named.items():
        for item in items:
            seen, other = first.setdefault(item.pixels_sha256 or item.sha256, (subset, item))
            if seen != subset:
                yield f"{seen}: {other.name}", f"{subset}: {item.name}"

"""Which frames are learned from, which choose, and which judge."""

from collections.abc import Sequence
from dataclasses import dataclass

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.groups import divide
from flawgate_training.datasets.items import Dataset, Item
from flawgate_training.datasets.problems import refuse
from flawgate_training.experiment.data import Data, FileData, Split


@dataclass(frozen=True)
class Subsets:
    """A data set, divided; no group is in two subsets.

    Attributes:
        train: to learn from.
        validation: to choose epochs and thresholds; may be empty.
        test: to judge upon; empty where a run learns from every frame.
    """

    train: tuple[Item, ...]
    validation: tuple[Item, ...]
    test: tuple[Item, ...]

    @property
    def named(self) -> dict[str, tuple[Item, ...]]:
        """By name, in the order of use."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def split(dataset: Dataset, data: Data) -> Subsets:
    """Divide a data set as the experiment says, in the order of its items.

    Args:
        dataset: as `loading.load` gives it.
        data: what the experiment says of it. Generated pictures come divided.

    Raises:
        InvalidDataset: a subset that is asked for would be empty, or the shipped division parts a group or is none.
    """
    if not isinstance(data, FileData):
        return _shipped(dataset.items)
    asked = data.split
    if asked.shipped:
        subsets = _shipped(dataset.items)
        _check_shipped(dataset.items, subsets)
    else:
        rest, test = _held_out(dataset.items, asked)
        subsets = Subsets(rest, (), test)
    if not subsets.validation:
        train, validation = _parted(subsets.train, asked.validation, asked.seed)
        subsets = Subsets(train, validation, subsets.test)
    _check_filled(subsets, asked)
    return subsets


def _shipped(items: Sequence[Item]) -> Subsets:
    train, validation, test = (
        tuple(item for item in items if item.shipped == name) for name in ("train", "validation", "test")
    )
    return Subsets(train, validation, test)


def _check_shipped(items: Sequence[Item], subsets: Subsets) -> None:
    missing = [name for name in ("train", "test") if not subsets.named[name]]
    if missing:
        raise InvalidDataset(
            f"The data set ships no frames for {' and '.join(missing)}; set data.split.shipped=false to divide what is "
            "there, or add the missing folder."
        )
    refuse(
        [item.name for item in items if item.shipped is None],
        "Pictures that the data set ships in no subset",
        "move them into train, validation or test, or set data.split.shipped=false",
    )
    where: dict[str, set[str]] = {}
    for name, inside in subsets.named.items():
        for item in inside:
            where.setdefault(item.group, set()).add(name)
    parted = [group for group, names in where.items() if len(names) > 1]
    refuse(
        parted, "Parts of which the shipped division has frames in two subsets", "move all frames of a part into one"
    )


def _held_out(items: tuple[Item, ...], asked: Split) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """What is not judged upon, and what is."""
    if asked.folds is None:
        return _parted(items, asked.test, asked.seed)
    if asked.fold is None:
        return items, ()
    test = _divided(items, [1.0] * asked.folds, asked.seed)[asked.fold]
    held = {item.name for item in test}
    return tuple(item for item in items if item.name not in held), test


def _parted(items: tuple[Item, ...], share: float, seed: int) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """The rest, and the share."""
    if share == 0:
        return items, ()
    rest, held = _divided(items, [1 - share, share], seed)
    return rest, held


def _divided(items: Sequence[Item], shares: Sequence[float], seed: int) -> list[tuple[Item, ...]]:
    groups, labels = [item.group for item in items], [item.label for item in items]
    return [tuple(items[position] for position in part) for part in divide(groups, labels, shares=shares, seed=seed)]


def _check_filled(subsets: Subsets, asked: Split) -> None:
    """Every subset that is asked for has frames."""
    judged = asked.shipped or asked.fold is not None or (asked.folds is None and asked.test > 0)
    wanted = {"train": True, "validation": asked.validation > 0, "test": judged}
    empty = [name for name, items in subsets.named.items() if wanted[name] and not items]
    if empty:
        groups = len({item.group for items in subsets.named.values() for item in items})
        raise InvalidDataset(
            f"No frame is left for {' and '.join(empty)}: the data set has {groups} groups (parts), which are never "
            "divided; add parts, ask for fewer folds, or set data.split.validation=0 or data.split.test=0."
        )

"""What is wrong with a data set, gathered: one sentence names up to ten files and counts all of them."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from flawgate_contracts.errors import InvalidDataset

NAMED = 10
"""How many files one sentence names."""

Fault = Literal["corrupt", "size", "values"]
"""What may be wrong with one file."""

_FAULTS: dict[Fault, tuple[str, str]] = {
    "corrupt": (
        "Pictures that cannot be read",
        "repair or remove them, or leave them out with `--set data.skip_corrupt=true`",
    ),
    "size": ("Masks of another size (height × width) than their picture", "restore the masks that belong to them"),
    "values": ("Masks whose values are not the classes'", "correct the masks, or name all classes in data.classes"),
}


def fault(kind: Fault, path: Path, detail: str) -> InvalidDataset:
    """The error over one file.

    Args:
        kind: see `Fault`; stands in the error's metadata as `problem`.
        path: of the file.
        detail: what is wrong with it, a clause without a full stop.
    """
    entry = f"{path} ({detail})"
    what, remedy = _FAULTS[kind]
    return InvalidDataset(_sentence(what, entry, remedy), {"problem": kind, "entry": entry})


def refuse_faults(faults: Sequence[InvalidDataset]) -> None:
    """Raise over all faults of the first kind that there is: corrupt, then size, then values.

    Args:
        faults: made by `fault`.

    Raises:
        InvalidDataset: there is one.
    """
    for kind, (what, remedy) in _FAULTS.items():
        entries = [one.metadata["entry"] for one in faults if one.metadata["problem"] == kind]
        refuse(entries, what, remedy)


def refuse(names: Collection[str], what: str, remedy: str) -> None:
    """Raise if there are any.

    Args:
        names: of files, folders or frames, in the order in which they are named.
        what: they are, e.g. `Pictures without a mask`.
        remedy: a clause that says what to do, without a full stop.

    Raises:
        InvalidDataset: there is one or more.
    """
    if names:
        raise InvalidDataset(_sentence(what, listed(names), remedy))


def listed(names: Collection[str]) -> str:
    """The first ten and how many there are in all, e.g. `a, b (2 in all)`."""
    shown = list(names)[:NAMED]
    more = ", ..." if len(names) > NAMED else ""
    return f"{', '.join(shown)}{more} ({len(names)} in all)"


def _sentence(what: str, names: str, remedy: str) -> str:
    return f"{what}: {names}; {remedy}."

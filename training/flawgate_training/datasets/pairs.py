"""Which mask belongs to which picture."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flawgate_training.datasets.problems import refuse


@dataclass(frozen=True)
class Pair:
    """A picture and its mask.

    Attributes:
        name: what both have in common.
        picture: path below the data set's folder.
        mask: path below the data set's folder; None on a good part.
    """

    name: str
    picture: str
    mask: str | None


def pair(
    pictures: Mapping[str, str],
    masks: Mapping[str, str],
    *,
    folder: Path,
    good: Collection[str] = (),
    remedy: str = "restore the missing masks",
) -> list[Pair]:
    """Find each picture's mask.

    Args:
        pictures: name → path.
        masks: name → path.
        folder: of the data set, for the errors' sentences.
        good: names of pictures that need no mask; where there is one, it counts.
        remedy: what to do where masks are missing.

    Returns:
        One pair for each picture, ordered by name.

    Raises:
        InvalidDataset: a picture that is not said to be good has no mask, or a mask no picture.
    """
    bare = [str(folder / pictures[name]) for name in sorted(pictures.keys() - masks.keys() - set(good))]
    refuse(bare, "Pictures without a mask", remedy)
    stray = [str(folder / masks[name]) for name in sorted(masks.keys() - pictures.keys())]
    refuse(stray, "Masks without a picture", "restore the missing pictures, or remove these masks")
    return [Pair(name, path, masks.get(name)) for name, path in sorted(pictures.items())]


def keyed(named: Iterable[tuple[str, str]], *, folder: Path) -> dict[str, str]:
    """By name.

    Args:
        named: a name, and a path below the data set's folder.
        folder: of the data set, for the error's sentence.

    Raises:
        InvalidDataset: two paths stand for one name.
    """
    found: dict[str, list[str]] = {}
    for name, path in named:
        found.setdefault(name, []).append(path)
    repeated = [" = ".join(str(folder / path) for path in same) for same in found.values() if len(same) > 1]
    refuse(repeated, "Files that stand for one and the same picture or mask", "keep one of each")
    return {name: same[0] for name, same in found.items()}

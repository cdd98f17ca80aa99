"""Versions come and go by renames within the repository, so that a kill at any moment leaves one that Triton loads.

What is not yet whole, or about to go, stands in a folder `.flawgate-staging`. Triton reads every folder in the root as
a model and may refuse to start over one without a config.pbtxt, but passes over folders within a model that are no
numbers; so it stands within a model. Only in a repository without any model it stands in the root: nothing is served.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.repository.files import PART, put_whole, settle, settle_tree, telling_of_the_disk
from flawgate_contracts.repository.layout import CONFIG, RECIPE

STAGING = ".flawgate-staging"

_JOURNAL = "journal.json"
_TREE = "tree"

OnStep = Callable[[str], None]
"""Told before each step that changes the repository; tests end the process there."""


def untold(_step: str) -> None:
    """Nobody is told of the steps."""


def publish(
    root: Path,
    name: str,
    version: int,
    fill: Callable[[Path], None],
    on_step: OnStep = untold,
) -> None:
    """Put a version of a recipe into the repository: its models, then what makes it exist, the recipe's own folder.

    What stands there is never touched: of a model that is there already only the new version's folder comes in, of a
    new one everything, its config.pbtxt included. To be called within `lock.changing`.

    Args:
        root: of the repository.
        name: of the recipe.
        version: a number that no version has yet.
        fill: writes `<model>/...` for each model and for the recipe into the empty folder that it is given.
        on_step: told before each step.

    Raises:
        InvalidParameter: the version exists, a folder is in the way, or the repository cannot be written to.
        DiskFull: no space is left. The repository is as it was, whatever is raised.
    """
    _refuse_existing(root, name, version)
    with telling_of_the_disk(root), _staging(root, name) as staged:
        on_step("fill")
        tree = staged / _TREE
        tree.mkdir()
        fill(tree)
        settle_tree(tree)
        moves = _moves(root, tree, name, version)
        _write_journal(staged, [target for _, target in moves], root, complete=moves[-1][1])
        for source, target in moves:
            on_step(f"move {target.relative_to(root)}")
            source.rename(target)
            settle(target.parent)
        on_step("clear")


def remove(root: Path, name: str, version: int, models: Sequence[str], on_step: OnStep = untold) -> None:
    """Take a version out of the repository. To be called within `lock.changing`, with a version not in force.

    Args:
        root: of the repository.
        name: of the recipe.
        version: of the recipe and its models.
        models: names of the recipe's models.
        on_step: told before each step.

    Raises:
        InvalidParameter: the repository cannot be written to.
    """
    folders = [root / each / str(version) for each in (name, *models)]
    with telling_of_the_disk(root), _staging(root, name) as staged:
        _write_journal(staged, folders, root, complete=None)
        for folder in folders:
            on_step(f"remove {folder.relative_to(root)}")
            _discard(folder, staged)
        on_step("clear")


def leftovers(root: Path) -> tuple[Path, ...]:
    """What killed processes left behind: folders of staging and files half written."""
    found = [root / STAGING, *root.glob(f"*/{STAGING}"), *root.glob(f"*/.*{PART}"), *root.glob(f"*/*/.*{PART}")]
    return tuple(path for path in found if path.exists())


def clear(root: Path) -> None:
    """Finish or undo what a killed process was about, and remove what it left behind.

    Raises:
        InvalidParameter: the repository cannot be written to.
    """
    with telling_of_the_disk(root):
        for path in leftovers(root):
            if path.name == STAGING:
                _settle_journal(root, path)
            else:
                path.unlink(missing_ok=True)


@contextmanager
def _staging(root: Path, name: str) -> Iterator[Path]:
    """An empty folder of staging; at its end, however it comes about, the repository is whole and the folder gone."""
    staged = _place(root, name) / STAGING
    staged.mkdir()
    try:
        yield staged
    finally:
        _settle_journal(root, staged)


def _place(root: Path, name: str) -> Path:
    """The recipe's folder or, of a new one, that of any other model; the root where there is none."""
    models = [path.parent for path in sorted(root.glob(f"*/{CONFIG}"))]
    return next((path for path in models if path.name == name), models[0] if models else root)


def _refuse_existing(root: Path, name: str, version: int) -> None:
    if (root / name / str(version) / RECIPE).exists():
        raise InvalidParameter(
            f"Version {version} of recipe {name} is there already; an export never writes over one.",
            {"field": "recipe"},
        )


def _moves(root: Path, tree: Path, name: str, version: int) -> list[tuple[Path, Path]]:
    """From where to where: whole folders of models that are new, else the version's own; the recipe's is the last."""
    first = not (root / name).exists()
    moves = []
    for folder in sorted(tree.iterdir(), key=lambda path: (path.name == name, path.name)):
        target = root / folder.name
        comes_in = target.exists() and not first
        moves.append((folder / str(version), target / str(version)) if comes_in else (folder, target))
    _refuse_taken([target for _, target in moves], name, version)
    return moves


def _refuse_taken(targets: Sequence[Path], name: str, version: int) -> None:
    taken = next((target for target in targets if target.exists()), None)
    if taken is not None:
        raise InvalidParameter(
            f"{taken} is in the way of version {version} of recipe {name}; move it away, or take another recipe name.",
            {"field": "recipe"},
        )


def _write_journal(staged: Path, folders: Sequence[Path], root: Path, complete: Path | None) -> None:
    """Note which folders must go again unless the one named, if any, is there."""
    journal = {
        "folders": [str(folder.relative_to(root)) for folder in folders],
        "complete": None if complete is None else str(complete.relative_to(root)),
    }
    put_whole(staged / _JOURNAL, json.dumps(journal, indent=2).encode() + b"\n")


def _settle_journal(root: Path, staged: Path) -> None:
    """Remove what the journal says, then the folder of staging."""
    journal = staged / _JOURNAL
    if journal.exists():
        noted = json.loads(journal.read_bytes())
        if noted["complete"] is None or not (root / noted["complete"]).exists():
            for folder in noted["folders"]:
                _discard(root / folder, staged)
    shutil.rmtree(staged)


def _discard(folder: Path, staged: Path) -> None:
    """Take a folder away at one stroke; what is in it goes with the folder of staging."""
    if folder.exists():
        folder.rename(staged / f"{folder.parent.name}-{folder.name}")
        settle(folder.parent)

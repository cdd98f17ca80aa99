"""Publishing: a recipe's three models appear in the model repository whole or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def staging(repository: Path) -> Iterator[Path]:
    """A folder beside the repository, on the same file system, gone at the end."""
    repository.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".flawgate-export-", dir=repository.resolve().parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def replace(staged: Path, target: Path) -> None:
    """Put a staged model folder in the place of the target, by renames.

    Args:
        staged: complete model folder, within a `staging` folder.
        target: its place in the repository; what stood there goes away with the staging folder.
    """
    staged.chmod(0o755)
    if target.exists():
        target.rename(staged.with_name(f"{staged.name}.replaced"))
    staged.rename(target)


def write(path: Path, text: str) -> None:
    """Write a text file as UTF-8, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

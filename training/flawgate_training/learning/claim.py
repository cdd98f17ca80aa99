"""One process at a time works in a run's folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flawgate_contracts.errors import InvalidParameter


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder; it is made where there is none.

    The system lets go of the claim when the process ends, however that comes about, so none is ever left behind. Loader
    processes do not inherit it.

    Raises:
        InvalidParameter: another process holds the folder, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except (PermissionError, NotADirectoryError, FileExistsError) as err:
        raise InvalidParameter(f"{folder} cannot be written to; choose another --out.", {"field": "out"}) from err
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        raise InvalidParameter(
            f"Another process is training in {folder}; wait until it has ended, or choose another --out.",
            {"field": "out"},
        ) from err

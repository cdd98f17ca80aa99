"""One process at a time works in a run's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.repository.lock import claim


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder; it is made where there is none. See `flawgate_contracts.repository.lock.claim`.

    Raises:
        InvalidParameter: another process holds the folder, or it cannot be written to.
        DiskFull: no space is left for the lock.
    """
    where = {"field": "out"}
    unwritable = InvalidParameter(f"{folder} cannot be written to; choose another --out.", where)
    busy = InvalidParameter(
        f"Another process is training in {folder}; wait until it has ended, or choose another --out.", where
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (PermissionError, NotADirectoryError, FileExistsError) as err:
        raise unwritable from err
    with claim(folder / ".lock", busy, unwritable):
        yield

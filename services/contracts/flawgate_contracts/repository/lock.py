"""One process at a time changes a folder. The system lets go when the process ends, however that comes about."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flawgate_contracts.errors import FlawgateError, RepositoryBusy
from flawgate_contracts.repository import staging
from flawgate_contracts.repository.files import NO_SPACE, refusal

LOCK = ".flawgate.lock"
"""In the repository's root. Its name is all it holds; Triton reads folders only."""

_POLL_S = 0.1


@contextmanager
def changing(root: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a model repository while it is changed, rid of what a killed process left behind.

    Args:
        root: of the repository; it is made where there is none.
        wait_s: how long to wait for another process to end, in seconds.

    Raises:
        RepositoryBusy: another process is changing it.
        InvalidParameter: it cannot be written to, or is no folder.
        DiskFull: no space is left for the lock.
    """
    busy = RepositoryBusy(
        f"Another process is changing the model repository {root}; repeat the command when it has ended.",
        {"repository": str(root)},
    )
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise refusal(root, err) from err
    with ExitStack() as held:
        _enter(held, root, busy, wait_s)
        staging.clear(root)
        yield


def check_free(root: Path) -> None:
    """See, before much work, that a model repository can be changed.

    Raises:
        RepositoryBusy: another process is changing it.
        InvalidParameter: it cannot be written to, or is no folder.
    """
    with changing(root):
        return


def _enter(held: ExitStack, root: Path, busy: RepositoryBusy, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return held.enter_context(claim(root / LOCK, busy))
        except RepositoryBusy:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)


@contextmanager
def claim(path: Path, busy: FlawgateError, unwritable: FlawgateError | None = None) -> Iterator[None]:
    """Hold a lock file, which is made where there is none; its folder exists.

    Processes forked meanwhile do not inherit the claim, and none is ever left behind.

    Args:
        path: of the file.
        busy: raised where another process holds it.
        unwritable: raised where it cannot be opened for writing; an `InvalidParameter` where None.

    Raises:
        DiskFull: no space is left for it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as err:
        full = err.errno in NO_SPACE
        raise refusal(path.parent, err) if full or unwritable is None else unwritable from err
    try:
        _lock(descriptor, busy)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, busy: FlawgateError) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        raise busy from err

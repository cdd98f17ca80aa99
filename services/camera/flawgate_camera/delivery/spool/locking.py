"""One process a spool."""

import fcntl
import os
from pathlib import Path

from flawgate_contracts.startup import StartupError

_NAME = "lock"


def hold(folder: Path) -> int:
    """Take a spool's folder for this process, until the descriptor is closed or the process ends; made where it is not.

    Raises:
        StartupError: another process has it, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _NAME, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as err:
        raise unusable(folder, err) from err
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        os.close(descriptor)
        raise StartupError(
            f"The spool {folder} is in use by another process; stop that one, or give the camera another name."
        ) from err
    return descriptor


def unusable(folder: Path, error: OSError) -> StartupError:
    """What to say of a folder that the system refuses."""
    why = error.strerror or error
    return StartupError(f"The spool {folder} cannot be used ({why}); make it writable, or name another data_dir.")

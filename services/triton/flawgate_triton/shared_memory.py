"""The shared memory that tensors travel through between Triton and the stubs of its Python backend."""

import os
from pathlib import Path

from flawgate_triton.errors import LaunchError

FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux shows POSIX shared memory, no temporary file of ours

MIN_SHARED_MEMORY_BYTES = 32 * 1024 * 1024
"""Free bytes below which no picture-sized model comes up: 1 MiB per model instance to begin with, then its tensors."""


def check_shared_memory(folder: Path = FOLDER) -> None:
    """Raises `LaunchError` where the shared memory that tensors travel through is missing or nearly full."""
    if not folder.is_dir():
        raise LaunchError(f"{folder} is missing: Triton passes tensors through it, mount a tmpfs there.")
    state = os.statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if free < MIN_SHARED_MEMORY_BYTES:
        raise LaunchError(
            f"{folder} has {free // 2**20} MiB free, Triton needs at least {MIN_SHARED_MEMORY_BYTES // 2**20} MiB: "
            "free some, or give the container more (--shm-size)."
        )


def remove_regions(prefix: str, folder: Path = FOLDER) -> None:
    """Removes the regions that a killed Triton left; one that stops in order removes its own."""
    for region in folder.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)

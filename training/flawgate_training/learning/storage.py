"""Files that are there whole or not at all, whenever the process is killed; a full disk is told by name."""

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import CheckpointIO

from flawgate_contracts.errors import DiskFull, InvalidParameter
from flawgate_contracts.repository.files import NO_SPACE, put_whole


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write a file beside its place, wait until the disk has it, and rename: a reader sees the old one or the new one.

    Args:
        path: of the file; its folder exists.
        data: what it holds.

    Raises:
        DiskFull: no space is left; what stood there before is whole.
    """
    with telling_of_full_disks(path.parent):
        put_whole(path, data)


def save(value: object, path: Path) -> None:
    """Write a value by `torch.save`, whole.

    Raises:
        DiskFull: see `write_whole`.
    """
    buffer = io.BytesIO()
    torch.save(value, buffer)
    write_whole(path, buffer.getbuffer())


def restore(path: Path) -> dict[str, Any]:
    """Read what `save` wrote: tensors on the CPU, and plain values.

    Raises:
        InvalidParameter: the file cannot be read.
    """
    try:
        value: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as err:
        raise InvalidParameter(
            f"{path} cannot be read; remove it to begin again from what came before it.", {"field": "out"}
        ) from err
    return value


@contextmanager
def telling_of_full_disks(folder: Path) -> Iterator[None]:
    """Name the folder where the system says that its disk is full.

    Raises:
        DiskFull: instead of the system's error.
    """
    try:
        yield
    except OSError as err:
        if err.errno not in NO_SPACE:
            raise
        raise DiskFull(
            f"No space is left in {folder}; free some and repeat the command, which goes on from the last checkpoint."
        ) from err


class WholeCheckpoints(CheckpointIO):
    """How Lightning keeps checkpoints: whole or not at all, and read without running any code in them."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """See `save`. There are no storage options."""
        del storage_options
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save(checkpoint, Path(path))

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,  # noqa: FBT001 - Lightning's signature
    ) -> dict[str, Any]:
        """See `restore`: always to the CPU, always plain values."""
        del map_location, weights_only
        return restore(Path(path))

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a file, if it is there."""
        Path(path).unlink(missing_ok=True)

"""Whether a disk has room for what is written on it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from flawgate_contracts.checkup.findings import Finding, error, ok, warning

LEAST_BYTES = 1_000_000_000
"""Below, writing stops soon."""
LEAST_SHARE = 0.05
"""Below this share of the disk it is time to look."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is to find room.

    Attributes:
        bytes_a_day: written in the last 24 hours; None: not known.
        may_grow_bytes: until a bound stops it; None: there is none.
    """

    bytes_a_day: int | None = None
    may_grow_bytes: int | None = None


def room(folder: Path, need: Need | None = None, *, subject: str) -> Finding:
    """Whether the disk that holds a folder, or will hold it, has room.

    Args:
        folder: need not be there yet.
        need: what is to find room there.
        subject: what the folder is for.
    """
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    try:
        usage = shutil.disk_usage(there)
    except OSError as err:
        why = f"The disk of {folder} cannot be asked: {err.strerror}."
        return error(why, "Mount it, or name another folder.", subject=subject)
    return judged(usage.free, usage.total, need or Need(), folder=folder, subject=subject)


def judged(free: int, total: int, need: Need, *, folder: Path, subject: str) -> Finding:
    """Whether so many bytes are enough.

    Args:
        free: bytes.
        total: bytes of the disk.
        need: what is to find room.
        folder: that is written to.
        subject: what it is for.
    """
    has = f"{folder} has {size(free)} free of {size(total)}"
    advice = "Free some, enlarge the disk, or keep fewer pictures (GATEWAY_KEEP_OK_ONE_IN, GATEWAY_ARCHIVE_MAX_BYTES)."
    if free < LEAST_BYTES:
        return error(f"{has}: nearly nothing.", advice, subject=subject)
    day = need.bytes_a_day
    # A bound that acts before the disk is full keeps it from being filled.
    if day and free < 7 * day and (need.may_grow_bytes is None or need.may_grow_bytes > free):
        says = f"{has}, and the last 24 hours took {size(day)}."
        return error(says, advice, subject=subject) if free < day else warning(says, advice, subject=subject)
    if free < LEAST_SHARE * total:
        return warning(f"{has}: less than {LEAST_SHARE:.0%}.", advice, subject=subject)
    lately = f"; the last 24 hours took {size(day)}" if day else ""
    return ok(f"{has}{lately}.", subject=subject)


def size(count: float) -> str:
    """Bytes for people: `12.3 GB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB" if count < 1000 else f"{count / 1000:.1f} TB"

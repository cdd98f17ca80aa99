"""Reading the log: what is damaged becomes a gap, and the rest is still there."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flawgate_camera.delivery.base import Item
from flawgate_camera.delivery.gaps import extended
from flawgate_camera.delivery.spool.records import HEAD_BYTES, DamagedRecordError, Origin, decode
from flawgate_camera.delivery.spool.segments import Located, located
from flawgate_camera.delivery.spool.state import MOST_GAPS
from flawgate_camera.frames import DropCause, Gap


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a number.

    Attributes:
        item: the frame, or a gap that begins at that number.
        next_offset: where to look for the number behind it.
    """

    item: Item
    next_offset: int


def read(path: Path, offset: int, sequence: int, last: int, origin: Origin) -> Found:
    """What stands at a number of a file.

    Args:
        path: of the file.
        offset: where a record begins, at or before the one in question.
        sequence: the number.
        last: the last number that the file holds for sure.
        origin: who reads.

    Raises:
        OSError: the file is gone, or cannot be read.
    """
    record = next((record for record in located(path, offset) if record.head.last >= sequence), None)
    if record is None or record.head.first > last:
        return Found(_damaged(path, sequence, last), offset)
    if record.head.first > sequence:
        return Found(_damaged(path, sequence, record.head.first - 1), record.offset)
    try:
        return Found(decode(record.head, _body(path, record), origin), record.end)
    except (DamagedRecordError, OSError):
        return Found(_damaged(path, sequence, record.head.last), record.end)


def expired(path: Path, first: int, last: int) -> tuple[Gap, ...]:
    """What remains of a file that is to be deleted for its age: its numbers from `first` to `last`, as gaps.

    Raises:
        OSError: the file is gone, or cannot be read.
    """
    gaps: tuple[Gap, ...] = ()
    following = first
    for record in located(path):
        if record.head.last < following:
            continue
        if record.head.first > following:
            gaps = extended(gaps, _damaged(path, following, record.head.first - 1), most=MOST_GAPS)
        gaps = extended(gaps, _expired(path, record, max(following, record.head.first)), most=MOST_GAPS)
        following = record.head.last + 1
    return gaps if following > last else extended(gaps, _damaged(path, following, last), most=MOST_GAPS)


def taken_at(path: Path, offset: int, sequence: int) -> datetime:
    """When the frame of that number was taken, by the wall clock; when its file was written, where that is damaged.

    Raises:
        OSError: the file is gone, or cannot be read.
    """
    for record in located(path, offset):
        if record.head.last >= sequence:
            return _moments(path, record)[0]
    return _written(path)


def _expired(path: Path, record: Located, first: int) -> Gap:
    since, until, cause = _moments(path, record)
    return Gap(first, record.head.last, cause or DropCause.SPOOL_EXPIRED, since, until)


def _moments(path: Path, record: Located) -> tuple[datetime, datetime, DropCause | None]:
    """From when to when a record's frames were taken and, of a gap, its cause."""
    try:
        facts = json.loads(_bytes(path, record.offset + HEAD_BYTES, record.head.lengths[0]))
        if "cause" not in facts:
            moment = datetime.fromisoformat(facts["acquired_at"])
            return moment, moment, None
        since, until = (datetime.fromisoformat(facts[name]) for name in ("since", "until"))
        return since, until, DropCause(facts["cause"])
    except (ValueError, KeyError, TypeError):
        return _written(path), _written(path), DropCause.SPOOL_DAMAGED


def _damaged(path: Path, first: int, last: int) -> Gap:
    moment = _written(path)
    return Gap(first, last, DropCause.SPOOL_DAMAGED, moment, moment)


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _body(path: Path, record: Located) -> bytes:
    return _bytes(path, record.offset + HEAD_BYTES, record.head.total - HEAD_BYTES)


def _bytes(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        return os.pread(file.fileno(), length, offset)

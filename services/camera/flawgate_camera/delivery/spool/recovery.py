"""What a spool finds when it is opened, however its last process ended."""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from flawgate_camera.delivery.gaps import clipped, covering, extended
from flawgate_camera.delivery.spool.segments import OPENING_BYTES, Segment, first_of, found, located, stream_of
from flawgate_camera.delivery.spool.state import MOST_GAPS, State, StateFile
from flawgate_camera.frames import DropCause, Gap
from flawgate_contracts.repository.files import settle


@dataclass(frozen=True, slots=True)
class Recovered:
    """What stands in the folder.

    Attributes:
        state: with `next_sequence` behind all that is on the disk.
        segments: in the order of their numbers; the last one ends with a whole record.
    """

    state: State
    segments: list[Segment]


def recover(folder: Path, clock_s: float, now_s: float) -> Recovered:
    """Look through a spool's folder, and cut off the record that was being written when its process ended.

    Such a record was not kept, so nobody was told its number: it is given out again.

    Args:
        folder: of the spool.
        clock_s: the reading of the spool's clock.
        now_s: seconds since 1970 by the wall clock, as the files' times are.

    Raises:
        OSError: the folder cannot be read or written.
    """
    paths = found(folder)
    if paths:
        _cut(paths[-1])
    segments = [_segment(path, following, clock_s, now_s) for path, following in _pairs(found(folder))]
    state = StateFile(folder).read() or State(_stream(paths), settled=segments[0].first - 1 if segments else 0)
    lasts = [state.settled, *(gap.last for gap in state.tail), *(segment.last for segment in segments)]
    ends = [state.next_sequence, *(last + 1 for last in lasts)]
    return Recovered(_without_holes(replace(state, next_sequence=max(ends)), segments), segments)


def _without_holes(state: State, segments: list[Segment]) -> State:
    """Let gaps stand for the numbers that were given out and are nowhere, e.g. where somebody deleted a file."""
    gaps = (*state.expired, *state.tail)
    first = segments[0].first if segments else state.next_sequence
    behind = segments[-1].last + 1 if segments else state.next_sequence
    return replace(
        state,
        expired=_filled(gaps, state.settled + 1, first - 1),
        tail=_filled(gaps, max(behind, state.settled + 1), state.next_sequence - 1),
    )


def _filled(gaps: tuple[Gap, ...], first: int, last: int) -> tuple[Gap, ...]:
    """Gaps for all numbers from `first` to `last`: those that there are, and damage between them."""
    filled: tuple[Gap, ...] = ()
    now = datetime.now(UTC)
    while first <= last:
        following = min((gap.first - 1 for gap in gaps if gap.first > first), default=last)
        hole = Gap(first, min(following, last), DropCause.SPOOL_DAMAGED, now, now)
        filled = extended(filled, clipped(covering(gaps, first) or hole, first, last), most=MOST_GAPS)
        first = filled[-1].last + 1
    return filled


def _cut(path: Path) -> None:
    """Let the newest file end with its last whole record; without one there is no file."""
    end = max((record.end for record in located(path)), default=OPENING_BYTES)
    if end == OPENING_BYTES:
        path.unlink()
        settle(path.parent)
        return
    if end < path.stat().st_size:
        written = path.stat()
        os.truncate(path, end)
        os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
        settle(path)


def _pairs(paths: list[Path]) -> list[tuple[Path, Path | None]]:
    """Each file, and the one behind it."""
    return list(zip(paths, [*paths[1:], None], strict=False))


def _segment(path: Path, following: Path | None, clock_s: float, now_s: float) -> Segment:
    written = path.stat()
    # A clock that has not been set yet after a start is behind the files: then they count as new, which keeps them.
    age_s = max(0.0, now_s - written.st_mtime)
    first = first_of(path)
    last = first_of(following) - 1 if following else max(record.head.last for record in located(path))
    return Segment(path, first, last, written.st_size, clock_s - age_s)


def _stream(paths: list[Path]) -> UUID:
    """The stream that the files belong to; a new one where there are none."""
    return next((stream for path in paths if (stream := stream_of(path)) is not None), None) or uuid4()

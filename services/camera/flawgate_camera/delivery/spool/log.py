"""The writing side of the log: what comes in, what goes for its age or because it is answered, and the state."""

import errno
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from flawgate_camera.delivery.base import Item, OnDrop, uncounted
from flawgate_camera.delivery.gaps import extended, length
from flawgate_camera.delivery.spool import reading
from flawgate_camera.delivery.spool.appending import Appender, OnStep, Pending
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.delivery.spool.locking import hold, unusable
from flawgate_camera.delivery.spool.records import Origin, encode
from flawgate_camera.delivery.spool.recovery import recover
from flawgate_camera.delivery.spool.segments import Segment
from flawgate_camera.delivery.spool.state import MOST_GAPS, State, StateFile
from flawgate_camera.frames import CapturedFrame, DropCause, Gap
from flawgate_contracts.repository.files import NO_SPACE

log = structlog.get_logger(__name__)

SAVE_EVERY_S = 1.0
_FULL = NO_SPACE | {errno.EFBIG}
_LOST_ON_DISK = (DropCause.SPOOL_EXPIRED, DropCause.SPOOL_DAMAGED)


def untold(_step: str) -> None:
    """Nobody is told of the steps."""


class Log:
    """The files of a spool. One thread writes; what others may read is set under `lock`.

    Attributes:
        lock: to be held while one reads `segments`, `durable` and `saved`.
        saved: what the state file says.
        settled: set by the reader: all up to it is answered.
        position: set by the reader: the next number that it will take.
    """

    def __init__(
        self,
        folder: Path,
        bounds: Bounds,
        origin: Origin,
        *,
        on_drop: OnDrop = uncounted,
        clock: Callable[[], float] = time.monotonic,
        on_step: OnStep = untold,
    ) -> None:
        """Take a folder, and recover what is in it.

        Args:
            folder: made where it is not there.
            bounds: how much it holds.
            origin: this process.
            on_drop: told of each frame that does not come to the disk, or leaves it too old.
            clock: never runs backwards.
            on_step: told before each step.

        Raises:
            StartupError: another process has it, or it cannot be read or written.
        """
        self.lock = threading.Lock()
        self._bounds, self._origin, self._folder = bounds, origin, folder
        self._on_drop, self._clock, self._on_step = on_drop, clock, on_step
        self._state_file = StateFile(folder)
        self._held = hold(folder)
        try:
            on_step("recover")
            recovered = recover(folder, clock(), time.time())
            on_step("save")
            self.saved: State = self._state_file.write(recovered.state)
        except OSError as err:
            os.close(self._held)
            raise unusable(folder, err) from err
        self.settled = self.saved.settled
        self.position = self.settled + 1
        self._appender = Appender(folder, recovered.segments, bounds, lock=self.lock, clock=clock, on_step=on_step)
        self._tail = self.saved.tail
        self._last = self.saved.next_sequence - 1
        self._saved_at = clock()
        self._trouble: int | None = None

    @property
    def segments(self) -> list[Segment]:
        """The files, in the order of their numbers."""
        return self._appender.segments

    @property
    def durable(self) -> int:
        """The last number whose record is on the disk for sure."""
        return self._appender.durable

    @property
    def held_bytes(self) -> int:
        """Of the files."""
        with self.lock:
            return sum(segment.size for segment in self.segments)

    def write(self, items: Sequence[Item]) -> None:
        """Bring frames to the disk, all with one wait for it; what finds no room becomes a gap.

        Where the spool is full it is the new frame that is dropped: the old ones may be on their way to the gateway
        already, they lie in one piece behind a fault whose parts can be found again, and a line that outruns its spool
        shall see so at once, not a week later.
        """
        for item in items:
            if isinstance(item, Gap):
                self._last = item.last
                self._tail = extended(self._tail, item, most=MOST_GAPS)
            else:
                self._add(item)
        self._commit()
        self.tidy()

    def tidy(self) -> None:
        """Delete what is answered or too old, and save the state where that is due."""
        self._expire()
        if self._removable() or (self._is_dirty() and self._clock() - self._saved_at >= SAVE_EVERY_S):
            self._save()

    def close(self) -> None:
        """Bring all to the disk."""
        self._commit()
        self._appender.rotate()
        self._save()

    def leave(self) -> None:
        """Let the folder go, whatever went wrong before: else nobody could open it until this process ends."""
        os.close(self._held)

    def _add(self, frame: CapturedFrame) -> None:
        self._last = frame.sequence
        record = encode(frame, self._origin)
        try:
            self._appender.prepare(len(record))
            gaps = b"".join(encode(gap, self._origin) for gap in self._tail)
            if not self._has_room(len(gaps) + len(record)):
                self._refuse(frame, DropCause.SPOOL_FULL)
                return
            pending = [*(Pending(gap, is_frame=False) for gap in self._tail), Pending(_alone(frame), is_frame=True)]
            self._appender.append(gaps + record, self.saved.stream_id, pending)
            self._tail = ()
        except OSError as err:
            self._take_back(err)
            self._refuse(frame, _cause(err))

    def _has_room(self, size: int) -> bool:
        if self.held_bytes + size <= self._bounds.max_bytes:
            return True
        active = self._appender.active
        if active and active.last <= self.settled:
            self._appender.rotate()
        self._save()
        return self.held_bytes + size <= self._bounds.max_bytes

    def _refuse(self, frame: CapturedFrame, cause: DropCause) -> None:
        self._tail = extended(self._tail, replace(_alone(frame), cause=cause), most=MOST_GAPS)
        self._on_drop(cause, 1)

    def _commit(self) -> None:
        try:
            self._appender.commit()
        except OSError as err:
            self._take_back(err)
        else:
            self._tell(None)

    def _take_back(self, error: OSError) -> None:
        """Count as dropped what did not come to the disk."""
        self._tell(error)
        lost, tail = self._appender.lost, self._tail
        self._tail = ()
        for pending in lost:
            gap = replace(pending.gap, cause=_cause(error)) if pending.is_frame else pending.gap
            self._tail = extended(self._tail, gap, most=MOST_GAPS)
            if pending.is_frame:
                self._on_drop(gap.cause, 1)
        for gap in tail:
            self._tail = extended(self._tail, gap, most=MOST_GAPS)
        lost.clear()

    def _expire(self) -> None:
        """Make gaps of the files that have lain there too long; none that has frames on their way."""
        while self.segments:
            segment = self.segments[0]
            first = max(segment.first, self.settled + 1)
            too_old = self._clock() - segment.written > self._bounds.max_age_s
            if not too_old or segment.last < first or self.position > first:
                return
            if segment is self._appender.active:
                self._appender.rotate()
            gaps = _remains(segment, first)
            if not self._save((*self.saved.expired, *gaps)):
                return
            self._remove(segment)
            for gap in gaps:
                if gap.cause in _LOST_ON_DISK:
                    self._on_drop(gap.cause, length(gap))

    def _removable(self) -> list[Segment]:
        active = self._appender.active
        return [segment for segment in self.segments if segment.last <= self.settled and segment is not active]

    def _is_dirty(self) -> bool:
        return (self.saved.settled, self.saved.tail) != (self.settled, self._tail)

    def _save(self, expired: Sequence[Gap] | None = None) -> bool:
        """Write the state, then delete the files that it says are answered."""
        settled = self.settled
        state = replace(
            self.saved,
            next_sequence=self._last + 1,
            settled=settled,
            expired=_unsettled(self.saved.expired if expired is None else expired, settled),
            tail=_unsettled(self._tail, settled),
        )
        self._on_step("save")
        try:
            saved = self._state_file.write(state)
            if expired is not None or self._removable():
                # Files go because of it, and with them what their names say of numbers: both copies must know.
                saved = self._state_file.write(saved)
        except OSError as err:
            self._tell(err)
            return False
        with self.lock:
            self.saved = saved
        self._saved_at = self._clock()
        self._tail = saved.tail
        for segment in self._removable():
            if segment.last <= settled:
                self._remove(segment)
        return True

    def _remove(self, segment: Segment) -> None:
        """Delete a file that the state says is not needed; one that cannot be deleted is found at the next start."""
        with self.lock:
            self.segments.remove(segment)
        try:
            self._on_step("remove")
            segment.path.unlink(missing_ok=True)
        except OSError as err:
            self._tell(err)

    def _tell(self, error: OSError | None) -> None:
        """Say once that the disk refuses, and once that it does no longer."""
        trouble = error.errno if error else None
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if error:
            log.error("spool_not_written", folder=str(self._folder), why=error.strerror or str(error))
        else:
            log.info("spool_written_again", folder=str(self._folder))


def _remains(segment: Segment, first: int) -> tuple[Gap, ...]:
    """The gaps that a file leaves behind, from that number on."""
    try:
        return reading.expired(segment.path, first, segment.last)
    except OSError:
        now = datetime.now(UTC)
        return (Gap(first, segment.last, DropCause.SPOOL_DAMAGED, now, now),)


def _alone(frame: CapturedFrame) -> Gap:
    return Gap(frame.sequence, frame.sequence, DropCause.SPOOL_FULL, frame.acquired_at, frame.acquired_at)


def _unsettled(gaps: Sequence[Gap], settled: int) -> tuple[Gap, ...]:
    kept: tuple[Gap, ...] = ()
    for gap in gaps:
        if gap.last > settled:
            kept = extended(kept, gap, most=MOST_GAPS)
    return kept


def _cause(error: OSError) -> DropCause:
    return DropCause.SPOOL_FULL if error.errno in _FULL else DropCause.SPOOL_DAMAGED

"""Appending to the newest file of the log: all of a record or nothing, and on the disk before it counts."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.delivery.spool.segments import Segment, create, write_all
from flawgate_camera.frames import Gap

OnStep = Callable[[str], None]
"""Told before each step that changes the disk; tests end the process there."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A record that was appended, and is not on the disk for sure.

    Attributes:
        gap: what is to be said of it should it not come there.
        is_frame: whether it is a frame; else it is that gap.
    """

    gap: Gap
    is_frame: bool


class Appender:
    """The newest file. For one thread; others see `segments` and `durable` under the lock.

    Attributes:
        segments: all files of the log, in the order of their numbers.
        durable: the last number whose record is on the disk for sure.
        lost: what did not come to the disk after all; for the caller to take away.
    """

    def __init__(
        self,
        folder: Path,
        segments: list[Segment],
        bounds: Bounds,
        *,
        lock: threading.Lock,
        clock: Callable[[], float],
        on_step: OnStep,
    ) -> None:
        self.segments = segments
        self.durable = segments[-1].last if segments else 0
        self.lost: list[Pending] = []
        self._folder, self._bounds = folder, bounds
        self._lock, self._clock, self._on_step = lock, clock, on_step
        self._active: tuple[Segment, int] | None = None
        self._opened = 0.0
        self._pending: list[Pending] = []
        self._committed = (0, 0)
        """Size and last number of the newest file, of which the disk is sure."""

    @property
    def active(self) -> Segment | None:
        """The newest file, where it is still appended to."""
        return self._active[0] if self._active else None

    def prepare(self, size: int) -> None:
        """End the file at hand where it would become too long, or is old enough.

        Raises:
            OSError: as `commit`.
        """
        if self._active is None:
            return
        is_long = self._active[0].size + size > self._bounds.segment_bytes
        if is_long or self._clock() - self._opened > self._bounds.segment_s:
            self.rotate()

    def append(self, data: bytes, stream_id: UUID, pending: list[Pending]) -> None:
        """Append records; they count after `commit`.

        Args:
            data: the records.
            stream_id: whose numbers they are.
            pending: what they are about, in order.

        Raises:
            OSError: they cannot be written; the file ends as before.
        """
        segment, descriptor = self._active or self._create(pending[0].gap.first, stream_id)
        self._on_step("append")
        try:
            write_all(descriptor, data)
        except OSError:
            os.ftruncate(descriptor, segment.size)
            raise
        with self._lock:
            segment.size += len(data)
            segment.last = pending[-1].gap.last
            segment.written = self._clock()
        self._pending += pending

    def commit(self) -> None:
        """Wait until the disk has all that was appended.

        Raises:
            OSError: it has not, and what was appended since the last commit is in `lost`. It is taken out of the file:
                a system that has said so once may forget it, and would say yes to the next commit.
        """
        if not self._pending or self._active is None:
            return
        segment, descriptor = self._active
        self._on_step("commit")
        try:
            os.fdatasync(descriptor)
        except OSError:
            self._undo()
            raise
        with self._lock:
            self.durable = segment.last
        self._committed = (segment.size, segment.last)
        self._pending.clear()

    def rotate(self) -> None:
        """End the file at hand; the next record begins another one.

        Raises:
            OSError: as `commit`.
        """
        self.commit()
        self._let_go()

    def _create(self, first: int, stream_id: UUID) -> tuple[Segment, int]:
        self._on_step("create")
        path, descriptor = create(self._folder, first, stream_id)
        segment = Segment(path, first, first - 1, path.stat().st_size, self._clock())
        with self._lock:
            self.segments.append(segment)
        self._active = (segment, descriptor)
        self._opened = self._clock()
        self._committed = (segment.size, segment.last)
        return self._active

    def _undo(self) -> None:
        if self._active is None:
            return
        segment, descriptor = self._active
        with suppress(OSError):
            os.ftruncate(descriptor, self._committed[0])
        with self._lock:
            segment.size, segment.last = self._committed
        self.lost += self._pending
        self._pending.clear()
        self._let_go()

    def _let_go(self) -> None:
        if self._active is None:
            return
        segment, descriptor = self._active
        os.close(descriptor)
        self._active = None
        if segment.last < segment.first:
            segment.path.unlink(missing_ok=True)
            with self._lock:
                self.segments.remove(segment)

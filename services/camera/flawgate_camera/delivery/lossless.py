"""`lossless`: frames go through a spool on disk, and leave it when they are answered."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from flawgate_camera.delivery.base import Facts, Item, OnDrop, Policy, uncounted
from flawgate_camera.delivery.bell import Bell
from flawgate_camera.delivery.gaps import clipped, covering
from flawgate_camera.delivery.spool import reading
from flawgate_camera.delivery.spool.appending import OnStep
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.delivery.spool.log import Log, untold
from flawgate_camera.delivery.spool.reading import Found
from flawgate_camera.delivery.spool.records import Origin
from flawgate_camera.delivery.spool.segments import OPENING_BYTES, Segment
from flawgate_camera.frames import CapturedFrame, DropCause, Gap

MOST_INCOMING_BYTES = 16_000_000
"""Of frames that wait for the disk; beyond, the capture thread waits too."""
TICK_S = 1.0


class LosslessDelivery:
    """See `Delivery`. Stream and numbers go on where the last process that had the spool came to its end.

    A frame counts as kept once the disk has it: until then `take` does not give it away and `is_kept` says no. A thread
    brings to the disk all that has come meanwhile, with one wait: the faster frames come, the more share a wait.
    """

    policy = Policy.LOSSLESS
    budget_s: float | None = None

    def __init__(
        self,
        folder: Path,
        bounds: Bounds,
        *,
        on_drop: OnDrop = uncounted,
        clock: Callable[[], float] = time.monotonic,
        on_step: OnStep = untold,
    ) -> None:
        """Open a spool, or make one.

        Args:
            folder: of this camera alone.
            bounds: how much it holds.
            on_drop: told of each frame that is dropped here; from any thread.
            clock: what frames' `acquired` was read from.
            on_step: told before each step that changes the disk.

        Raises:
            StartupError: another process has it, or it cannot be read or written.
        """
        self._origin = Origin(uuid4().hex)
        self._on_drop, self._clock = on_drop, clock
        self._log = Log(folder, bounds, self._origin, on_drop=on_drop, clock=clock, on_step=on_step)
        self.stream_id = self._log.saved.stream_id
        self._given = self._end = self._log.saved.next_sequence - 1
        self._recorded = 0
        self._place: tuple[Path | None, int] = (None, OPENING_BYTES)
        self._damage_counted = 0
        self._incoming: deque[Item] = deque()
        self._changed = threading.Condition()
        self._written, self._settled = Bell(), Bell()
        self._stopped = self._closing = False
        self._failure: BaseException | None = None
        self._writer = threading.Thread(target=self._write, name=f"spool {folder.name}", daemon=True)
        self._writer.start()

    def next_sequence(self) -> int:
        """See `Delivery`."""
        self._given += 1
        return self._given

    def offer(self, frame: CapturedFrame) -> None:
        """See `Delivery`. Waits only while the disk is slower than the frames, and memory has no room either."""
        if self._stopped:
            self.drop(frame.sequence, DropCause.STOPPED, frame.acquired_at)
            return
        self._hand_over(frame)

    def drop(self, sequence: int, cause: DropCause, moment: datetime) -> None:
        """See `Delivery`."""
        self._hand_over(Gap(sequence, sequence, cause, moment, moment))
        self._on_drop(cause, 1)

    def is_kept(self, sequence: int) -> bool:
        """See `Delivery`."""
        with self._log.lock:
            return sequence <= max(self._log.durable, self._log.settled) or self._is_gap(sequence)

    def first_unsettled(self) -> int:
        """See `Delivery`."""
        return self._log.settled + 1

    def rewind(self, recorded: int) -> None:
        """See `Delivery`."""
        self._recorded = recorded
        self._log.position = self._log.settled + 1
        self._place = (None, OPENING_BYTES)

    async def take(self) -> Item:
        """See `Delivery`."""
        while True:
            self._written.arm()
            self._raise_failure()
            where = self._locate(self._log.position)
            item = await self._read(where) if isinstance(where, Segment) else where
            if item is not None:
                self._log.position = (item.sequence if isinstance(item, CapturedFrame) else item.last) + 1
                return item
            await self._written.rung()

    def settle(self, sequence: int) -> None:
        """See `Delivery`."""
        self._log.settled = max(self._log.settled, sequence)
        self._log.position = max(self._log.position, sequence + 1)
        self._settled.ring()

    async def drained(self) -> None:
        """See `Delivery`."""
        while True:
            self._settled.arm()
            if self._log.settled >= self._end:
                return
            await self._settled.rung()

    def stop(self) -> None:
        """See `Delivery`."""
        self._stopped = True

    def abandon(self) -> None:
        """See `Delivery`: the disk keeps it all."""

    def close(self) -> None:
        """See `Delivery`."""
        self.stop()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()

    def facts(self) -> Facts:
        """See `Delivery`. Reads the disk, where frames wait there."""
        settled = self._log.settled
        waiting = self._end - settled
        return Facts(waiting, self._log.held_bytes, self._age_s(settled + 1) if waiting else 0.0)

    def _hand_over(self, item: Item) -> None:
        sequence = item.sequence if isinstance(item, CapturedFrame) else item.first
        if sequence != self._end + 1:
            raise ValueError(f"Number {sequence} came where {self._end + 1} is the next; give each out once, in order.")
        with self._changed:
            self._changed.wait_for(self._has_room)
            self._raise_failure()
            self._end = sequence
            self._incoming.append(item)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        held = sum(len(item.data) for item in self._incoming if isinstance(item, CapturedFrame))
        return held < MOST_INCOMING_BYTES or self._failure is not None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RuntimeError("The spool's writer has ended; its log says why.") from self._failure

    def _write(self) -> None:
        """Bring what comes to the disk, until `close`."""
        try:
            while (items := self._collected()) is not None:
                self._log.write(items)
                self._written.ring()
            self._log.close()
        except BaseException as err:
            self._failure = err
            raise
        finally:
            self._log.leave()
            with self._changed:
                self._changed.notify_all()
            self._written.ring()

    def _collected(self) -> list[Item] | None:
        """All that has come; nothing after a while without anything; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._incoming or self._closing, TICK_S)
            items = list(self._incoming)
            self._incoming.clear()
            self._changed.notify_all()
            return None if self._closing and not items else items

    def _locate(self, sequence: int) -> Segment | Gap | None:
        """The gap that begins at that number, or the file that holds it; None where it is not there yet."""
        with self._log.lock:
            gap = covering((*self._log.saved.expired, *self._log.saved.tail), sequence)
            if gap is not None:
                return clipped(gap, sequence, self._recorded)
            if sequence > self._log.durable:
                return None
            return next((each for each in self._log.segments if each.first <= sequence <= each.last), None)

    async def _read(self, segment: Segment) -> Item | None:
        sequence, last = self._log.position, min(segment.last, self._log.durable)
        path, offset = self._place
        offset = offset if path == segment.path else OPENING_BYTES
        try:
            found: Found = await asyncio.to_thread(reading.read, segment.path, offset, sequence, last, self._origin)
        except OSError:
            return self._unreadable(segment, sequence, last)
        self._place = (segment.path, found.next_offset)
        if isinstance(found.item, Gap):
            return self._counted(clipped(found.item, sequence, self._recorded))
        return found.item

    def _unreadable(self, segment: Segment, sequence: int, last: int) -> Gap | None:
        """What to say of a file that cannot be read: nothing yet, where it went for its age meanwhile."""
        with self._log.lock:
            if segment not in self._log.segments:
                self._written.ring()
                return None
        now = datetime.now(UTC)
        return self._counted(Gap(sequence, last, DropCause.SPOOL_DAMAGED, now, now))

    def _counted(self, gap: Gap) -> Gap:
        """The gap, after it was counted where it is damage that nobody has seen before."""
        frames = gap.last - max(gap.first - 1, self._damage_counted)
        if gap.cause is DropCause.SPOOL_DAMAGED and frames > 0:
            self._damage_counted = gap.last
            self._on_drop(gap.cause, frames)
        return gap

    def _is_gap(self, sequence: int) -> bool:
        return covering((*self._log.saved.expired, *self._log.saved.tail), sequence) is not None

    def _age_s(self, sequence: int) -> float:
        """How long ago that frame was taken, in seconds by the wall clock; 0 where it is on its way to the disk."""
        where = self._locate(sequence)
        if where is None:
            return 0.0
        try:
            moment = where.since if isinstance(where, Gap) else reading.taken_at(where.path, OPENING_BYTES, sequence)
        except OSError:
            return 0.0
        return max(0.0, (datetime.now(UTC) - moment).total_seconds())

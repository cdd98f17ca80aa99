"""One camera's thread: open, read, ask the trigger, number, encode, hand over; and again after each failure."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic

import cv2
import structlog

from flawgate_camera.backoff import BackOff
from flawgate_camera.config.cameras import Camera
from flawgate_camera.delivery.base import Delivery
from flawgate_camera.encoding import cut, pack
from flawgate_camera.frames import CapturedFrame, DropCause, Layout, Picture, Trigger
from flawgate_camera.health import Standing, Watch
from flawgate_camera.ports import CameraObserver
from flawgate_camera.sources.base import Cause, DamagedPicture, Source, SourceEnded, SourceFailed
from flawgate_camera.triggers.base import TriggerSource
from flawgate_contracts.errors import FlawgateError

log = structlog.get_logger(__name__)

FIRST_WAIT_S = 1.0
"""Before the second try to open a camera, about."""

Decide = Callable[[CapturedFrame], CapturedFrame]
"""The frame with what the agent itself decided about it, where it decides."""


class GivenUp(Exception):  # noqa: N818  # no error
    """This thread came back after it had counted as hung: another one reads the camera now."""


class Capture:
    """Reads one camera until told to stop, or until its source ends.

    All of it runs in the thread that calls `run`; the rest is for any thread.

    Args:
        camera: its table.
        source: not open yet.
        trigger: which pictures are inspected.
        delivery: takes the frames over.
        standing: told how the camera does.
        observer: told of each frame.
        decide: for an agent that judges frames itself.
    """

    def __init__(
        self,
        camera: Camera,
        source: Source,
        trigger: TriggerSource,
        delivery: Delivery,
        *,
        standing: Standing,
        observer: CameraObserver,
        decide: Decide | None = None,
    ) -> None:
        self._camera = camera
        self._source = source
        self._trigger = trigger
        self._delivery = delivery
        self._standing = standing
        self._observer = observer
        self._decide = decide
        self._watch = Watch(camera.health, standing)
        self._backoff = BackOff(FIRST_WAIT_S, camera.health.retry_max_s)
        self._pending: deque[int] = deque()
        self._lock = threading.Lock()
        self._due = float("inf")
        self._given_up = False
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self.quiet = threading.Event()
        """Set as soon as no further frame will come."""
        self.ended = False
        """Whether the source has given all that it had."""

    def run(self) -> None:
        """Read until stopped; an exception of ours is logged, and the camera tried again like after any failure."""
        try:
            while not (self._stopping.is_set() or self.ended):
                self._attempt()
            self.quiet.set()
            self._put_away_the_rest()
        except GivenUp:
            log.warning("a hung camera came back after it was given up", camera=self._camera.name)

    def stop(self) -> None:
        """Read no further picture."""
        self._stopping.set()

    def settle(self) -> None:
        """Stop, and let the source know of the frames that are safe by now; then the thread ends."""
        self._stopping.set()
        self._settled.set()

    def hangs(self) -> bool:
        """Whether the source has not come back within its time."""
        with self._lock:
            return monotonic() > self._due

    def give_up(self) -> bool:
        """Have nothing more to do with this thread, if it still hangs; whether that is so."""
        with self._lock:
            self._given_up = monotonic() > self._due
            return self._given_up

    def leave(self) -> None:
        """Have nothing more to do with this thread where it is in the source's code, however short; at the end."""
        with self._lock:
            self._given_up = self._due < float("inf")

    def _attempt(self) -> None:
        """One connection, from opening to failure."""
        began = monotonic()
        try:
            with self._within(self._source.open_within_s):
                self._source.open()
            began = monotonic()
            while not self._stopping.is_set():
                self._read_one()
        except SourceEnded:
            self.ended = True
        except SourceFailed as failure:
            self._fail(failure.cause, failure.message, began)
        except GivenUp:
            raise
        except Exception:
            log.exception("capturing failed", camera=self._camera.name)
            self._fail(Cause.INTERNAL, "A bug in the agent; the log has its traceback.", began)

    def _fail(self, cause: Cause, message: str, began: float) -> None:
        self._standing.failed(cause, message)
        self._close()
        worked_s = monotonic() - began if cause is not Cause.FROZEN else 0.0
        self._stopping.wait(self._backoff.after(worked_s))

    def _read_one(self) -> None:
        self._hand_back()
        try:
            with self._within(self._source.read_within_s):
                picture = self._source.read()
        except DamagedPicture as damage:
            self._standing.remarked(Cause.NOT_A_PICTURE, str(damage))
            self._lose(datetime.now(UTC))
            return
        if picture is None:
            return
        if picture.passed_over:
            self._observer.passed_over(picture.passed_over)
        usable = self._watch.look(picture, live=self._source.live)
        trigger = self._trigger.wanted(picture)
        if trigger is None:
            self._note(0)
        else:
            usable = self._take(picture, trigger) and usable
        if usable:
            self._standing.went_up()

    def _take(self, picture: Picture, trigger: Trigger) -> bool:
        """Number a picture, encode it and hand it over; whether that could be done."""
        try:
            data, layout = pack(cut(picture, self._camera.region), self._camera.encoding)
        except SourceFailed as failure:
            self._standing.failed(failure.cause, failure.message)
            self._lose(picture.acquired_at)
            return False
        except (FlawgateError, cv2.error) as err:
            self._standing.remarked(Cause.NOT_A_PICTURE, f"A picture could not be encoded: {err}")
            self._lose(picture.acquired_at)
            return False
        self._offer(picture, trigger, data, layout)
        return True

    def _offer(self, picture: Picture, trigger: Trigger, data: bytes, layout: Layout | None) -> None:
        sequence = self._delivery.next_sequence()
        frame = CapturedFrame(sequence, data, layout, picture.acquired_at, picture.acquired, trigger)
        self._observer.captured()
        self._delivery.offer(self._judged(frame))
        self._note(sequence)

    def _judged(self, frame: CapturedFrame) -> CapturedFrame:
        """With what the agent itself decided; as it is where that fails: a number that is given out must be offered."""
        if self._decide is None:
            return frame
        try:
            return self._decide(frame)
        except Exception:
            log.exception("a frame could not be judged here", camera=self._camera.name)
            return frame

    def _lose(self, moment: datetime) -> None:
        """A frame that was there and cannot be encoded, taken at `moment`."""
        sequence = self._delivery.next_sequence()
        self._observer.captured()
        self._delivery.drop(sequence, DropCause.ENCODING_FAILED, moment)
        self._note(sequence)

    def _note(self, sequence: int) -> None:
        """Remember what the source waits to hear of; 0 for a picture that is not wanted."""
        if self._source.hands_over:
            self._pending.append(sequence)

    def _hand_back(self) -> None:
        """Tell the source of its pictures that are safe, or not wanted."""
        while self._pending and (not self._pending[0] or self._delivery.is_kept(self._pending[0])):
            with self._within(self._source.read_within_s):
                self._source.taken()
            self._pending.popleft()

    def _put_away_the_rest(self) -> None:
        """Once all that can be settled is: pictures that are safe by now are put away before the source is closed."""
        self._settled.wait()
        try:
            self._hand_back()
        except SourceFailed as failure:
            self._standing.failed(failure.cause, failure.message)
        self._close()

    def _close(self) -> None:
        with self._within(self._source.read_within_s):
            try:
                self._source.close()
            except Exception:
                log.exception("closing failed", camera=self._camera.name)

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Let the block count as hung after so many seconds, and let nothing follow where it was given up."""
        with self._lock:
            self._due = monotonic() + seconds
        try:
            yield
        finally:
            with self._lock:
                self._due = float("inf")
                given_up = self._given_up
            if given_up:
                raise GivenUp

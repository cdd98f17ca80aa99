"""Numbered frames for tests of their delivery."""

import threading
import time
from datetime import UTC, datetime

from flawgate_camera.delivery.base import Delivery, Item
from flawgate_camera.frames import CapturedFrame, DropCause, Gap, Layout, Trigger

MOMENT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        """Its reading."""
        return self.seconds


def frame(sequence: int, *, size: int = 100, acquired: float | None = None, content: str = "") -> CapturedFrame:
    """A frame whose bytes no other number has, as raw grey pixels."""
    start = f"{content}-{sequence}-".encode()
    data = (start * (size // len(start) + 1))[:size]
    acquired = time.monotonic() if acquired is None else acquired
    return CapturedFrame(sequence, data, Layout(size, 1, 1), MOMENT, acquired, Trigger(id=f"t{sequence}"))


def gap(first: int, last: int, cause: DropCause) -> Gap:
    """A gap of one moment."""
    return Gap(first, last, cause, MOMENT, MOMENT)


def capture(delivery: Delivery, frames: int, *, size: int = 100, pause_s: float = 0.0, content: str = "") -> None:
    """Capture so many frames, as a camera's thread does."""
    for _ in range(frames):
        delivery.offer(frame(delivery.next_sequence(), size=size, content=content))
        time.sleep(pause_s)


def capturing(delivery: Delivery, frames: int, *, size: int = 100, pause_s: float = 0.0) -> threading.Thread:
    """`capture`, begun in a thread of its own."""
    thread = threading.Thread(
        target=capture, args=(delivery, frames), kwargs={"size": size, "pause_s": pause_s}, daemon=True
    )
    thread.start()
    return thread


def told(item: Item) -> tuple[int, int, str]:
    """First and last number, and what is there: a cause, or `frame`."""
    if isinstance(item, Gap):
        return item.first, item.last, item.cause
    return item.sequence, item.sequence, "frame"


async def settled(delivery: Delivery, last: int) -> list[tuple[int, int, str]]:
    """Take and answer all up to that number."""
    taken: list[tuple[int, int, str]] = []
    while not taken or taken[-1][1] < last:
        taken.append(told(await delivery.take()))
        delivery.settle(taken[-1][1])
    return taken

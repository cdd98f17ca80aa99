"""Parts of cameras for tests: tables, scripted sources, an observer that remembers."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from flawgate_camera.config.cameras import Camera
from flawgate_camera.delivery.base import Facts
from flawgate_camera.frames import CapturedFrame, DropCause, Gap, Picture, Trigger
from flawgate_camera.sources.base import Cause, Source, SourceEnded

GENERATED = {"kind": "generated", "frames_per_s": 1000.0, "size": [128, 128]}


def camera_table(**changes: Any) -> Camera:
    """A camera's table with these keys changed."""
    base = {"name": "cam1", "station": "S4", "recipe": "texture", "source": GENERATED, "delivery": {"policy": "latest"}}
    return Camera.model_validate(base | changes)


def noise(number: int, size: tuple[int, ...] = (32, 48)) -> Picture:
    """A picture that no other number has. `size`: (H, W) or (H, W, 3)."""
    pixels = np.random.default_rng(number).integers(0, 256, size, dtype=np.uint8)
    return Picture(pixels, datetime.now(UTC), time.monotonic(), Trigger(id=f"t{number}"))


def level(grey: int, size: tuple[int, int] = (32, 48)) -> Picture:
    """A picture of one grey level, 0 to 255."""
    return Picture(np.full(size, grey, np.uint8), datetime.now(UTC), time.monotonic())


def wait_until(holds: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until something holds; fails where it does not in time."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold in time"
        time.sleep(0.005)


Step = Picture | Exception | threading.Event | None


class ScriptedSource:
    """Gives a script's pictures, raises its errors, and hangs on its events until they are set; then ends."""

    def __init__(self, script: Iterable[Step], *, live: bool = True, hands_over: bool = False) -> None:
        self.live = live
        self.hands_over = hands_over
        self.open_within_s = 0.2
        self.read_within_s = 0.2
        self.opened = 0
        self.closed = 0
        self.put_away = 0
        self._script: Iterator[Step] = iter(script)

    def open(self) -> None:
        """Count."""
        self.opened += 1

    def read(self) -> Picture | None:
        """The next step."""
        step = next(self._script, SourceEnded())
        if isinstance(step, Exception):
            raise step
        if isinstance(step, threading.Event):
            step.wait(30)
            return None
        return step

    def taken(self) -> None:
        """Count."""
        self.put_away += 1

    def close(self) -> None:
        """Count."""
        self.closed += 1


class UnopenableSource(ScriptedSource):
    """Fails to open, always in the same way."""

    def __init__(self, failure: Exception) -> None:
        super().__init__([])
        self._failure = failure

    def open(self) -> None:
        """Count, and fail."""
        super().open()
        raise self._failure


class MemoryObserver:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.frames = 0
        self.drops: dict[DropCause, int] = {}
        self.changes: list[str] = []
        self.failures: list[Cause] = []
        self.facts: Facts | None = None
        self.closed = False
        self.late_pictures = 0

    def captured(self) -> None:
        """Count."""
        self.frames += 1

    def dropped(self, cause: DropCause, frames: int) -> None:
        """Count."""
        self.drops[cause] = self.drops.get(cause, 0) + frames

    def passed_over(self, pictures: int) -> None:
        """Count."""
        self.late_pictures += pictures

    def went_up(self) -> None:
        """Remember."""
        self.changes.append("up")

    def went_down(self) -> None:
        """Remember."""
        self.changes.append("down")

    def failed(self, cause: Cause) -> None:
        """Remember."""
        self.failures.append(cause)

    def waits(self, facts: Facts) -> None:
        """Remember the last."""
        self.facts = facts

    def close(self) -> None:
        """Remember."""
        self.closed = True


def read_pictures(source: Source, count: int, timeout_s: float = 10) -> list[Picture]:
    """The next pictures of an open source."""
    pictures: list[Picture] = []
    end = time.monotonic() + timeout_s
    while len(pictures) < count:
        assert time.monotonic() < end, f"{len(pictures)} of {count} pictures came in time"
        picture = source.read()
        if picture is not None:
            pictures.append(picture)
    return pictures


async def take_all(delivery: Any, into: list[CapturedFrame | Gap]) -> None:
    """Answer everything at once, as a gateway without any delay; until cancelled."""
    while True:
        item = await delivery.take()
        into.append(item)
        delivery.settle(item.last if isinstance(item, Gap) else item.sequence)

import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.camera_parts import (
    MemoryObserver,
    ScriptedSource,
    Step,
    UnopenableSource,
    camera_table,
    level,
    noise,
    wait_until,
)

from flawgate_camera.capturing import Capture, Decide
from flawgate_camera.delivery.base import Delivery
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.delivery.latest import LatestDelivery
from flawgate_camera.frames import CapturedFrame, DropCause, Gap, Picture
from flawgate_camera.health import Standing
from flawgate_camera.sources.base import Cause, DamagedPicture, SourceFailed
from flawgate_camera.triggers.rate import NthTrigger

pytestmark = pytest.mark.timeout(60)


class Bench:
    """A capture with its parts, in a thread of its own."""

    def __init__(
        self,
        source: ScriptedSource,
        *,
        delivery: Delivery | None = None,
        n: int = 1,
        decide: Decide | None = None,
        **table: Any,
    ) -> None:
        self.source = source
        self.observer = MemoryObserver()
        self.delivery = delivery or EveryDelivery(100, on_drop=self.observer.dropped)
        self.standing = Standing("cam1", self.observer)
        self.capture = Capture(
            camera_table(**table),
            source,
            NthTrigger(n),
            self.delivery,
            standing=self.standing,
            observer=self.observer,
            decide=decide,
        )
        self.thread = threading.Thread(target=self.capture.run, daemon=True)

    async def frames(self, count: int) -> list[CapturedFrame]:
        """The first frames that go to the gateway."""
        items = [await self.delivery.take() for _ in range(count)]
        return [item for item in items if isinstance(item, CapturedFrame)]


@contextmanager
def running(source: ScriptedSource, **changes: Any) -> Iterator[Bench]:
    """Capture until the block ends."""
    bench = Bench(source, **changes)
    bench.thread.start()
    try:
        yield bench
    finally:
        bench.delivery.stop()
        bench.capture.settle()
        bench.thread.join(10)
        assert not bench.thread.is_alive()


async def test_each_wanted_picture_is_numbered_and_handed_over() -> None:
    """Frames are numbered from 1 without a hole, with moment and trigger of their picture; then the source ends."""
    pictures = [noise(number) for number in range(5)]
    with running(ScriptedSource(pictures), n=2, encoding={"format": "raw"}) as bench:
        wait_until(lambda: bench.capture.ended)
        frames = await bench.frames(3)
    assert [(frame.sequence, frame.data, frame.trigger, frame.acquired) for frame in frames] == [
        (sequence, picture.pixels.tobytes(), picture.trigger, picture.acquired)
        for sequence, picture in enumerate(pictures[::2], 1)
    ]
    assert (bench.observer.frames, bench.observer.changes, bench.source.closed) == (3, ["up"], 1)


async def test_what_the_agent_decides_goes_along() -> None:
    """Where the agent judges frames itself, what it says goes with them."""
    with running(ScriptedSource([noise(1)]), decide=lambda frame: replace(frame, decided=b"OK")) as bench:
        (frame,) = await bench.frames(1)
    assert frame.decided == b"OK"


async def test_what_cannot_be_decided_goes_undecided() -> None:
    """A judge that fails costs no number: the frame goes to the gateway as it is, and the camera goes on."""

    def fails(frame: CapturedFrame) -> CapturedFrame:
        raise ZeroDivisionError

    with running(ScriptedSource([noise(1), noise(2)]), decide=fails) as bench:
        frames = await bench.frames(2)
    assert [(frame.sequence, frame.decided) for frame in frames] == [(1, None), (2, None)]
    assert bench.observer.failures == []


@pytest.mark.parametrize(
    ("picture", "table", "cause"),
    [
        (noise(1, (1, 70_000)), {"encoding": {"format": "jpeg"}}, Cause.NOT_A_PICTURE),
        (DamagedPicture("a.png cannot be inspected"), {}, Cause.NOT_A_PICTURE),
        (noise(1), {"region": {"width": 4000, "height": 10}}, Cause.REGION_OUTSIDE),
    ],
)
async def test_what_cannot_be_encoded_is_a_counted_drop(
    picture: Picture | Exception, table: dict[str, Any], cause: Cause
) -> None:
    """A picture that cannot be encoded takes a number and becomes a gap, so that the counts add up."""
    with running(ScriptedSource([picture]), **table) as bench:
        gap = await bench.delivery.take()
    assert isinstance(gap, Gap)
    assert (gap.first, gap.last, gap.cause) == (1, 1, DropCause.ENCODING_FAILED)
    assert (bench.observer.frames, bench.observer.drops) == (1, {DropCause.ENCODING_FAILED: 1})
    assert bench.observer.failures == [cause]


def test_a_camera_that_fails_is_tried_again() -> None:
    """After a failure the source is closed, and opened again after a wait; the log and the metrics have the cause."""
    script: list[Step] = [noise(1), SourceFailed(Cause.ENDED, "The stream broke off."), noise(2)]
    with running(ScriptedSource(script)) as bench:
        wait_until(lambda: bench.capture.ended)
    assert (bench.source.opened, bench.observer.frames) == (2, 2)
    assert (bench.observer.changes, bench.observer.failures) == (["up", "down", "up"], [Cause.ENDED])


def test_a_camera_that_is_not_there_is_no_busy_loop() -> None:
    """An unreachable camera is tried about once in the first second, and stopping does not wait for the next try."""
    with running(UnopenableSource(SourceFailed(Cause.UNREACHABLE, "Nothing answers."))) as bench:
        wait_until(lambda: bench.source.opened == 2)
        state = bench.standing.state
    assert bench.source.opened == 2
    assert (state.up, state.cause, state.message) == (False, Cause.UNREACHABLE, "Nothing answers.")


def test_a_bug_is_one_cameras_trouble() -> None:
    """An exception that nobody expected is logged, and the camera is tried again."""
    with running(ScriptedSource([ZeroDivisionError(), noise(1)])) as bench:
        wait_until(lambda: bench.observer.frames == 1)
    assert bench.observer.failures == [Cause.INTERNAL]


async def test_a_full_delivery_holds_the_source() -> None:
    """With `every`, no more is read than there is room for; what is answered makes room; stopping ends the wait."""
    delivery = EveryDelivery(2)
    with running(ScriptedSource(noise(number) for number in range(100)), delivery=delivery) as bench:
        wait_until(lambda: bench.observer.frames == 3)
        assert not bench.capture.hangs()
        await bench.frames(1)
        delivery.settle(1)
        wait_until(lambda: bench.observer.frames == 4)


async def test_a_source_hears_what_is_safe() -> None:
    """A source that keeps files hears of its pictures in order, of wanted ones only when their frames are safe."""
    script = [noise(1), noise(2), noise(3)]
    with running(ScriptedSource(script, hands_over=True), n=2) as bench:
        wait_until(lambda: bench.capture.ended)
        assert bench.source.put_away == 0
        await bench.frames(2)
        bench.delivery.settle(2)
    assert bench.source.put_away == 3


def test_a_black_camera_is_told_once_and_its_pictures_go_on() -> None:
    """Black pictures are told as the cause, and still sent: that they are black is for the record, too."""
    with running(ScriptedSource([noise(1), level(2), level(3), level(2), noise(2)])) as bench:
        wait_until(lambda: bench.capture.ended)
    assert (bench.observer.changes, bench.observer.failures) == (["up", "down", "up"], [Cause.BLACK])
    assert bench.observer.frames == 5


def frozen(seconds: list[float]) -> list[Step]:
    """The same picture at these moments."""
    return [replace(noise(1), acquired=1000 + moment) for moment in seconds]


def test_a_frozen_camera_is_told_and_opened_again() -> None:
    """The same pixels for too long are no pictures of the present: they are not sent, until others come."""
    script: list[Step] = [*frozen([0, 4, 9, 10, 11]), noise(2)]
    with running(ScriptedSource(script), health={"frozen_after_s": 10}) as bench:
        wait_until(lambda: bench.capture.ended, 20)
    assert bench.observer.frames == 4
    assert set(bench.observer.failures) == {Cause.FROZEN}
    assert bench.observer.changes == ["up", "down", "up"]
    assert bench.source.opened == 3


@pytest.mark.parametrize(("live", "after_s"), [(False, 10), (True, 0)])
def test_the_same_picture_is_allowed(live: bool, after_s: float) -> None:  # noqa: FBT001  # a parameter of the table
    """Files may be alike, and whoever says 0 is not told of frozen pictures."""
    script = frozen([0, 20, 40])
    with running(ScriptedSource(script, live=live), health={"frozen_after_s": after_s}) as bench:
        wait_until(lambda: bench.capture.ended)
    assert (bench.observer.frames, bench.observer.failures) == (3, [])


def test_a_changed_size_is_told() -> None:
    """Another size is told once; the camera goes on."""
    with running(ScriptedSource([noise(1), noise(2, (20, 20)), noise(3, (20, 20))])) as bench:
        wait_until(lambda: bench.capture.ended)
    assert (bench.observer.failures, bench.observer.frames, bench.observer.changes) == ([Cause.SIZE_CHANGED], 3, ["up"])


def test_a_hung_source_is_given_up() -> None:
    """A source that does not come back counts as hung; what it does later has no effect."""
    comes_back = threading.Event()
    source = ScriptedSource([noise(1), comes_back, noise(2)])
    bench = Bench(source)
    bench.thread.start()
    wait_until(bench.capture.hangs)
    assert bench.capture.give_up()
    comes_back.set()
    bench.thread.join(10)
    assert (bench.observer.frames, bench.thread.is_alive()) == (1, False)


def test_memory_stays_flat() -> None:
    """Thousands of frames leave nothing behind: less than one frame in a hundred would show."""
    frame = np.zeros((100, 100), np.uint8)

    def pictures(count: int) -> Iterator[Picture]:
        for number in range(count):
            frame[0, :2] = number % 256, number // 256
            yield replace(noise(0, (1, 1)), pixels=frame.copy())

    def held_after(count: int) -> int:
        delivery = LatestDelivery(1000)
        with running(ScriptedSource(pictures(count)), delivery=delivery, encoding={"format": "raw"}) as bench:
            wait_until(lambda: bench.capture.ended, 60)
            return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        held_after(100)
        few, many = held_after(200), held_after(5200)
    finally:
        tracemalloc.stop()
    assert many - few < 50 * frame.nbytes

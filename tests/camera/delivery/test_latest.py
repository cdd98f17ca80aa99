import time
from datetime import timedelta

import pytest
from support.captured import MOMENT, Clock, capture, frame, gap, settled, told

from flawgate_camera.delivery.latest import LatestDelivery
from flawgate_camera.delivery.window import MOST_GAPS, Window
from flawgate_camera.frames import DropCause

BUDGET_S = 2.0


class Drops(dict[DropCause, int]):
    """Counts what it is told."""

    def __call__(self, cause: DropCause, frames: int) -> None:
        """Count."""
        self[cause] = self.get(cause, 0) + frames


async def test_the_newest_frame_takes_the_place_of_the_oldest() -> None:
    """Of frames that nobody takes the last one remains; the others are one gap, and each is counted."""
    drops = Drops()
    delivery = LatestDelivery(BUDGET_S, on_drop=drops)
    capture(delivery, 10)
    assert await settled(delivery, 10) == [(1, 9, DropCause.SUPERSEDED), (10, 10, "frame")]
    assert drops == {DropCause.SUPERSEDED: 9}


async def test_a_stale_frame_is_not_given_away() -> None:
    """What has grown older than the budget before it could be sent becomes a gap."""
    clock, drops = Clock(), Drops()
    delivery = LatestDelivery(BUDGET_S, on_drop=drops, clock=clock)
    delivery.offer(frame(delivery.next_sequence(), acquired=clock()))
    clock.seconds += BUDGET_S
    assert told(await delivery.take()) == (1, 1, DropCause.STALE)
    assert drops == {DropCause.STALE: 1}


async def test_what_the_gateway_has_on_record_stays_a_frame() -> None:
    """After a reconnect a frame up to the recorded number is sent again, however old; a later one is dropped."""
    clock = Clock()
    delivery = LatestDelivery(BUDGET_S, slots=2, clock=clock)
    for _ in range(2):
        delivery.offer(frame(delivery.next_sequence(), acquired=clock()))
        await delivery.take()
    clock.seconds += 60
    delivery.rewind(recorded=1)
    assert await settled(delivery, 2) == [(1, 1, "frame"), (2, 2, DropCause.STALE)]


async def test_the_wall_clock_decides_nothing() -> None:
    """A frame whose wall clock was set back by a day, or forward, is as new as its monotonic clock says."""
    for step in (timedelta(days=-1), timedelta(days=1)):
        clock = Clock()
        delivery = LatestDelivery(BUDGET_S, clock=clock)
        stepped = frame(delivery.next_sequence(), acquired=clock())
        object.__setattr__(stepped, "acquired_at", MOMENT + step)
        delivery.offer(stepped)
        clock.seconds += BUDGET_S / 2
        assert told(await delivery.take()) == (1, 1, "frame")
        assert delivery.facts().oldest_age_s == pytest.approx(BUDGET_S / 2)


async def test_a_day_without_a_gateway_needs_no_memory() -> None:
    """Gaps that lie side by side become one, even where causes alternate for long; no number is lost."""
    delivery = LatestDelivery(BUDGET_S)
    for _ in range(3000):
        capture(delivery, 1, size=10)
        delivery.drop(delivery.next_sequence(), DropCause.ENCODING_FAILED, MOMENT)
    taken = await settled(delivery, 6000)
    assert len(taken) <= MOST_GAPS + 2
    assert [first for first, _, _ in taken] == [1, *(last + 1 for _, last, _ in taken[:-1])]


def test_a_gap_that_was_sent_stays_as_it_is() -> None:
    """What the gateway may have on record is not made longer: it is sent again as it was sent before."""
    window = Window()
    window.append(gap(1, 1, DropCause.SUPERSEDED))
    window.take()
    window.append(gap(2, 2, DropCause.SUPERSEDED))
    window.append(gap(3, 3, DropCause.SUPERSEDED))
    window.rewind()
    first = window.next()
    window.take()
    assert (first, window.next()) == (gap(1, 1, DropCause.SUPERSEDED), gap(2, 3, DropCause.SUPERSEDED))


async def test_what_is_offered_after_the_stop_is_dropped() -> None:
    """A frame that comes while the agent ends is a gap, STOPPED; so is one that was never sent when it is abandoned."""
    drops = Drops()
    delivery = LatestDelivery(BUDGET_S, slots=2, on_drop=drops)
    capture(delivery, 1)
    delivery.stop()
    capture(delivery, 1)
    delivery.abandon()
    assert await settled(delivery, 2) == [(1, 2, DropCause.STOPPED)]
    assert drops == {DropCause.STOPPED: 2}
    await delivery.drained()


def test_a_number_out_of_order_is_a_bug() -> None:
    """A number that was never given out, or comes twice, is refused: the gateway would refuse the stream."""
    delivery = LatestDelivery(BUDGET_S)
    with pytest.raises(ValueError, match="Number 2 came where 1 is the next"):
        delivery.offer(frame(2, acquired=time.monotonic()))


def test_a_source_may_forget_a_frame_once_it_is_answered() -> None:
    """Memory keeps nothing, so a frame is not kept before its answer."""
    delivery = LatestDelivery(BUDGET_S)
    capture(delivery, 1)
    before = delivery.is_kept(1)
    delivery.settle(1)
    assert (before, delivery.is_kept(1)) == (False, True)

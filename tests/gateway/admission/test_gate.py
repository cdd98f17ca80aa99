import asyncio
import time
from collections import Counter

import pytest
from support.gateway_fakes import CountingObserver

from flawgate_contracts.errors import Overloaded
from flawgate_gateway.admission.gate import AdmissionGate, DeadlineUnreachable


class Line:
    """Frames that go through a gate."""

    def __init__(self, gate: AdmissionGate, work_s: float = 0.02) -> None:
        self.gate = gate
        self.work_s = work_s
        self.at_once = 0
        self.most_at_once = 0
        self.done: list[str] = []

    async def frame(self, recipe: str, allowed_s: float = 30) -> None:
        """Take one through."""
        async with self.gate.admitted(recipe, time.monotonic() + allowed_s):
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await asyncio.sleep(self.work_s)
            finally:
                self.at_once -= 1
            self.done.append(recipe)

    def flood(self, recipe: str, count: int) -> "list[asyncio.Task[None]]":
        """Begin so many at once."""
        return [asyncio.ensure_future(self.frame(recipe)) for _ in range(count)]


async def test_no_more_than_the_bound_are_worked_on_at_once() -> None:
    """Those beyond it wait, and all get their turn."""
    line = Line(AdmissionGate(max_in_progress=3, max_waiting=20))
    await asyncio.gather(*line.flood("a", 12))
    assert line.most_at_once == 3
    assert len(line.done) == 12
    assert line.gate.waiting == 0


async def test_a_flood_of_one_recipe_does_not_starve_another() -> None:
    """Frames of a second recipe, come after forty of the first, take turns with them."""
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=50), work_s=0.005)
    flood = line.flood("flood", 40)
    await asyncio.sleep(0.02)
    await asyncio.gather(*line.flood("rare", 4))
    assert Counter(line.done)["flood"] < 15
    await asyncio.gather(*flood)
    assert Counter(line.done) == {"flood": 40, "rare": 4}


async def test_a_full_queue_is_told_to_come_back_and_names_the_recipe() -> None:
    """The other recipes' queues still have room."""
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=2))
    flood = line.flood("a", 3)
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="2 frames wait for recipe a") as caught:
        await line.frame("a")
    assert caught.value.metadata == {"recipe": "a"}
    await line.frame("b")
    await asyncio.gather(*flood)


async def test_frames_of_a_recipe_keep_their_order() -> None:
    """The first that came is the first that is worked on."""
    gate, order = AdmissionGate(max_in_progress=1, max_waiting=20), []

    async def frame(number: int) -> None:
        async with gate.admitted("a", time.monotonic() + 30):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(frame(number) for number in range(10)))
    assert order == list(range(10))


async def test_a_deadline_out_of_reach_is_said_at_once() -> None:
    """With a queue in front, a frame that would have to wait too long does not wait at all."""
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=20), work_s=0.1)
    await line.frame("a")
    flood = line.flood("a", 5)
    await asyncio.sleep(0.01)
    started = time.monotonic()
    with pytest.raises(DeadlineUnreachable):
        await line.frame("a", allowed_s=0.25)
    assert time.monotonic() - started < 0.25
    await asyncio.gather(*flood, line.frame("a", allowed_s=5))


async def test_a_deadline_that_waiting_used_up_is_said_before_any_work() -> None:
    """A place that comes too late goes to the next."""
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=20), work_s=0.05)
    await line.frame("a")
    line.work_s = 0.4
    slow = asyncio.ensure_future(line.frame("b"))
    await asyncio.sleep(0.01)
    late, patient = asyncio.ensure_future(line.frame("a", allowed_s=0.2)), asyncio.ensure_future(line.frame("a"))
    with pytest.raises(DeadlineUnreachable):
        await late
    await asyncio.gather(slow, patient)
    assert line.done == ["a", "b", "a"]


async def test_a_model_that_was_slow_once_is_tried_again() -> None:
    """Its first frame, at a cold start, took longer than any deadline that is given: that is not held against it."""
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=20, estimate_s=0.2), work_s=0.3)
    await line.frame("a")
    line.work_s = 0.01
    with pytest.raises(DeadlineUnreachable):
        await line.frame("a", allowed_s=0.25)
    await asyncio.sleep(0.2)
    await line.frame("a", allowed_s=0.25)
    assert line.done == ["a", "a"]


async def test_a_frame_that_was_given_up_tells_how_long_it_takes_at_least() -> None:
    """So that those behind it, with no more time, are told so at once."""
    gate = AdmissionGate(max_in_progress=1, max_waiting=20)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Line(gate, work_s=5).frame("a", allowed_s=0.2), 0.2)
    with pytest.raises(DeadlineUnreachable):
        await Line(gate).frame("a", allowed_s=0.15)


async def test_whoever_gives_up_waiting_frees_the_place() -> None:
    """Cancelled while it waits, or in the moment of its turn: nothing leaks."""
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=20))
    tasks = line.flood("a", 6)
    await asyncio.sleep(0)
    for task in tasks[1:4]:
        task.cancel()
    await asyncio.sleep(0.025)
    tasks[4].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert line.gate.waiting == 0
    await asyncio.wait_for(line.frame("a"), 1)


async def test_a_frame_that_fails_frees_the_place_and_teaches_nothing() -> None:
    """The time of a failure is no service time."""
    gate = AdmissionGate(max_in_progress=1, max_waiting=5)

    async def fail() -> None:
        async with gate.admitted("a", time.monotonic() + 30):
            await asyncio.sleep(0.2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await Line(gate).frame("a", allowed_s=0.1)


async def test_who_waits_and_who_is_not_let_in_is_told() -> None:
    """How long each waited, 0 where it did not, also where it gave up; and how many wait now."""
    observer = CountingObserver()
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=2, observer=observer), work_s=0.1)
    tasks = line.flood("a", 3)
    await asyncio.sleep(0.02)
    assert observer.queues["a"]() == 2
    with pytest.raises(Overloaded):
        await line.frame("a")
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert observer.rejections == {"queue_full": 1}
    at_once, gave_up, waited = observer.timed["wait"]
    assert (at_once, observer.queues["a"]()) == (0, 0)
    assert 0.01 < gave_up < waited


async def test_a_deadline_that_cannot_be_met_is_told_once() -> None:
    """Whether that was known at the door, or only when the place was free."""
    observer = CountingObserver()
    line = Line(AdmissionGate(max_in_progress=1, max_waiting=2, observer=observer), work_s=0.2)
    first = line.flood("a", 1)
    await asyncio.sleep(0)
    with pytest.raises(DeadlineUnreachable):
        await line.frame("a", allowed_s=0.1)
    await asyncio.gather(*first)
    with pytest.raises(DeadlineUnreachable):
        await line.frame("a", allowed_s=0.1)
    assert observer.rejections == {"deadline_unreachable": 2}

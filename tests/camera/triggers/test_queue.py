import threading
from typing import Any

import pytest
from support.alarms import CountingTriggerObserver, SetClock, picture

from flawgate_camera.config.network_triggers import TcpTrigger
from flawgate_camera.frames import Trigger
from flawgate_camera.triggers.queue import Fate, TriggerQueue

TAKEN, MISSED, BUSY = Fate.TAKEN, Fate.MISSED, Fate.BUSY


class Station:
    """A queue, its clock, and what everybody was told."""

    def __init__(self, **table: Any) -> None:
        self.clock = SetClock()
        self.observer = CountingTriggerObserver()
        self.queue = TriggerQueue(TcpTrigger(kind="tcp", port=0, **table), self.observer, self.clock)
        self.told: list[tuple[str, Fate]] = []

    def comes(self, part: str) -> bool:
        """A trigger; whether it was taken on."""
        return self.queue.put(Trigger(part=part), lambda fate: self.told.append((part, fate)))

    def picture(self, acquired: float | None = None) -> str | None:
        """The part that a picture of now, or of that moment, was taken for."""
        trigger = self.queue.take(picture(self.clock() if acquired is None else acquired))
        return None if trigger is None else trigger.part


def test_each_trigger_gets_one_picture_in_order() -> None:
    """Two triggers need two pictures; a picture without a trigger is not inspected."""
    station = Station()
    assert station.picture() is None
    station.comes("a")
    station.comes("b")
    assert [station.picture() for _ in range(3)] == ["a", "b", None]
    assert station.told == [("a", TAKEN), ("b", TAKEN)]
    assert station.observer.fates == [TAKEN, TAKEN]


def test_a_picture_of_before_the_trigger_is_not_its_picture() -> None:
    """It shows the part before, however late it is read."""
    station = Station(delay_s=0.2)
    station.comes("a")
    station.clock.passes(0.5)
    assert [station.picture(1000.19), station.picture(1000.2)] == [None, "a"]


def test_a_trigger_without_a_fresh_picture_is_missed() -> None:
    """After its time it is told, and the next picture belongs to the next trigger."""
    station = Station(within_s=1, delay_s=0.5)
    station.comes("a")
    station.clock.passes(1)
    station.comes("b")
    station.queue.expire(1001.5)
    assert station.told == []
    station.queue.expire(1001.6)
    assert station.told == [("a", MISSED)]
    assert station.picture(1001.6) == "b"


def test_a_late_picture_itself_shows_that_a_trigger_was_missed() -> None:
    """Nobody has to look at the clock for that."""
    station = Station(within_s=1)
    station.comes("a")
    station.clock.passes(1.5)
    station.comes("b")
    assert station.picture() == "b"
    assert station.told == [("a", MISSED), ("b", TAKEN)]


def test_only_so_many_wait() -> None:
    """What is beyond the bound is turned away and counted; room comes back."""
    station = Station(waiting=2)
    assert [station.comes(part) for part in "abc"] == [True, True, False]
    assert station.observer.fates == [BUSY]
    station.picture()
    assert station.comes("d")


@pytest.mark.parametrize(("pause_s", "taken_on"), [(0, 10), (0.5, 15), (100, 20)])
def test_only_so_many_come_in_a_second(pause_s: float, taken_on: int) -> None:
    """A sender that has gone mad does not drown the line; a second's triggers may come at once."""
    station = Station(waiting=1000, max_per_s=10)
    first = sum(station.comes("a") for _ in range(100))
    station.clock.passes(pause_s)
    assert first + sum(station.comes("a") for _ in range(100)) == taken_on


def test_threads_share_it() -> None:
    """Triggers and pictures come from different threads, and each trigger has exactly one end."""
    station = Station(waiting=1000, max_per_s=10_000, within_s=60)
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            station.picture(1001)

    camera = threading.Thread(target=look)
    camera.start()
    accepted = sum(station.comes(str(number)) for number in range(500))
    done.set()
    camera.join()
    while station.picture(1001) is not None:
        """The rest."""
    assert sorted(int(part) for part, _ in station.told) == list(range(accepted))
    assert accepted == 500

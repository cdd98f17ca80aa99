"""The cores of one machine, shared by all that run on it: what makes or breaks a prediction on a small machine."""

from collections import defaultdict
from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import simpy

Waiting = Generator[simpy.Event, Any, None]
"""A process of SimPy."""

Owner = TypeVar("Owner", bound=Hashable)

DONE_S = 1e-9
"""Core-seconds below which no work is left."""


@dataclass(slots=True, eq=False)
class _Task:
    """Work under way."""

    owner: Hashable
    left_s: float
    """Core-seconds that are still to be done."""
    threads: float
    """Cores that it can use at once."""
    done: simpy.Event
    rate: float = 0.0
    """Cores that it has, as things stand."""


class Cores:
    """Processor sharing, as Linux does it among containers (and sessions).

    Each owner gets the same share of the cores, however many threads it has; what one cannot use goes to the others. An
    owner's tasks share what it gets by their threads. How fast they work depends on how many frames are here, as with a
    flow-equivalent server (Chandy, Herzog, Woo 1975, Parametric Analysis of Queuing Networks).
    """

    def __init__(self, env: simpy.Environment, count: float, *, prices: Sequence[float] = (1.0,)) -> None:
        """Idle cores.

        Args:
            env: SimPy's clock, in seconds.
            count: cores.
            prices: what a core-second of work costs, in core-seconds, while one frame is here, two, three and so on;
                with more frames than prices, the last.
        """
        self._env = env
        self._count = count
        self._prices = prices
        self._price = prices[0]
        self._frames = 0
        self._tasks: list[_Task] = []
        self._since = env.now
        self._plan = 0

    def enter(self) -> None:
        """A frame has come to somebody who works on these cores, be it to wait."""
        self._count_frames(1)

    def leave(self) -> None:
        """It has gone."""
        self._count_frames(-1)

    def run(self, owner: Hashable, work_s: float, threads: float = 1.0) -> Waiting:
        """Do some work; ends when it is done.

        Args:
            owner: whose work it is.
            work_s: core-seconds.
            threads: cores that it can use at once; 1.6 where two threads wait for each other a fifth of their time.
        """
        if work_s <= DONE_S:
            return
        self._advance()
        task = _Task(owner, work_s, threads, self._env.event())
        self._tasks.append(task)
        self._share()
        yield task.done

    def _count_frames(self, more: int) -> None:
        self._frames += more
        price = self._prices[min(max(self._frames, 1), len(self._prices)) - 1]
        if price != self._price:
            self._advance()
            self._price = price
            self._share()

    def _advance(self) -> None:
        """Book what was done since the last time."""
        spent_s = self._env.now - self._since
        self._since = self._env.now
        for task in self._tasks:
            task.left_s -= task.rate * spent_s / self._price

    def _share(self) -> None:
        """Give out the cores anew, and come back when the first task is done."""
        wanted: dict[Hashable, float] = defaultdict(float)
        for task in self._tasks:
            wanted[task.owner] += task.threads
        given = fair_shares(wanted, self._count)
        for task in self._tasks:
            task.rate = task.threads * given[task.owner] / wanted[task.owner]
        self._plan += 1
        if self._tasks:
            soonest_s = min(task.left_s / task.rate for task in self._tasks) * self._price
            self._env.process(self._wake(max(0.0, soonest_s), self._plan))

    def _wake(self, after_s: float, plan: int) -> Waiting:
        yield self._env.timeout(after_s)
        if plan != self._plan:
            return  # somebody came meanwhile, and it was planned anew
        self._advance()
        ended = [task for task in self._tasks if task.left_s <= DONE_S]
        self._tasks = [task for task in self._tasks if task.left_s > DONE_S]
        self._share()
        for task in ended:
            task.done.succeed()


def fair_shares(wanted: Mapping[Owner, float], count: float) -> dict[Owner, float]:
    """Max-min fairness: who wants less than an equal share gets it, and the others share the rest alike.

    Args:
        wanted: owner → cores that it could use.
        count: cores there are.
    """
    given: dict[Owner, float] = {}
    left = count
    for served, (owner, cores) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
        given[owner] = min(cores, left / (len(wanted) - served))
        left -= given[owner]
    return given

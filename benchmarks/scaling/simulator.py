"""Frames on their way through stations, by SimPy: when each came, and when and how it ended."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, Protocol, get_args

import simpy

from scaling.gate import Gate, OverloadedError, UnreachableError
from scaling.machine import Waiting
from scaling.stations import Cost, Station

End = Literal["answered", "overloaded", "unreachable", "late"]
"""201; 429; 201 with NOT_DECIDABLE, since it would have been late; 504."""

Step = tuple[Station, Cost]


@dataclass(frozen=True, slots=True)
class Way:
    """What one frame goes through."""

    before: Sequence[Step]
    """Until the gate."""
    inside: Sequence[Step]
    """While it holds a place."""
    after: Sequence[Step] = ()
    """Archive and record, and the way back."""


class Cluster(Protocol):
    """All stations."""

    @property
    def gate(self) -> Gate | None:
        """None where everybody is let in."""
        ...

    @property
    def deadline_s(self) -> float:
        """Seconds from its arrival within which a frame is to be answered."""
        ...

    def way(self, number: int) -> Way:
        """Of the frame of a number, 0 for the first."""
        ...


@dataclass(slots=True)
class Result:
    """How the frames ended."""

    latencies_s: list[float] = field(default_factory=list)
    """Of those that were answered, in the order of their answers."""
    ends: dict[End, int] = field(default_factory=lambda: dict.fromkeys(get_args(End), 0))
    """Frames that ended so."""

    def percentile_ms(self, share: float) -> float:
        """Milliseconds within which that share (0 to 1) of the answered frames was answered."""
        return percentile(self.latencies_s, share) * 1e3


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all do not exceed.

    Raises:
        ValueError: there is no value.
    """
    if not values:
        raise ValueError("There is no percentile of nothing.")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """Moments of arrival within so many seconds, `rate` a second on average, in seconds."""
    drawn = random.Random(seed)  # noqa: S311  # arrivals, no secrets
    return list(_until(seconds, lambda: drawn.expovariate(rate)))


def takt(rate: float, seconds: float) -> list[float]:
    """The same, evenly."""
    return list(_until(seconds, lambda: 1 / rate))


def _until(seconds: float, gap: Callable[[], float]) -> Iterator[float]:
    moment = gap()
    while moment < seconds:
        yield moment
        moment += gap()


def simulate(arrivals: Sequence[float], build: Callable[[simpy.Environment], Cluster]) -> Result:
    """Send frames, and wait until the last has ended.

    Args:
        arrivals: moments in seconds, in order.
        build: makes the cluster, on SimPy's clock.
    """
    env = simpy.Environment()
    run = _Run(env, build(env))
    frames = [env.process(run.frame_at(at, number)) for number, at in enumerate(arrivals)]
    env.run(until=env.all_of(frames))
    return run.result


def simulate_loop(at_once: int, seconds: float, build: Callable[[simpy.Environment], Cluster]) -> float:
    """Send a frame whenever one has ended (a closed loop), as `Sender.crowded` does.

    Args:
        at_once: frames that are under way.
        seconds: until which new ones are sent; the last are waited for.
        build: makes the cluster, on SimPy's clock.

    Returns:
        Frames that were answered, a second.
    """
    env = simpy.Environment()
    run, numbers = _Run(env, build(env)), count()

    def one_sender() -> Waiting:
        while env.now < seconds:
            yield from run.frame(next(numbers))

    env.run(until=env.all_of([env.process(one_sender()) for _ in range(at_once)]))
    return run.result.ends["answered"] / env.now


class _Late(Exception):  # noqa: N818  # no failure of the simulation
    """The deadline has passed."""


class _Run:
    """One simulation."""

    def __init__(self, env: simpy.Environment, cluster: Cluster) -> None:
        self._env = env
        self._cluster = cluster
        self.result = Result()

    def frame_at(self, at: float, number: int) -> Waiting:
        """One frame, that comes at a moment in seconds."""
        yield self._env.timeout(at)
        yield from self.frame(number)

    def frame(self, number: int) -> Waiting:
        """One frame, from its arrival, which is now, to its end."""
        at = self._env.now
        end: End = "answered"
        try:
            yield from self._through(self._cluster.way(number), at + self._cluster.deadline_s)
            self.result.latencies_s.append(self._env.now - at)
        except OverloadedError:
            end = "overloaded"
        except UnreachableError:
            end = "unreachable"
        except _Late:
            end = "late"
        self.result.ends[end] += 1

    def _through(self, way: Way, deadline: float) -> Waiting:
        yield from self._steps(way.before, deadline)
        gate = self._cluster.gate
        if gate is None:
            yield from self._steps(way.inside, deadline)
        else:
            yield from self._admitted(gate, way, deadline)
        yield from self._steps(way.after, deadline)

    def _admitted(self, gate: Gate, way: Way, deadline: float) -> Waiting:
        yield from gate.enter(deadline)
        entered = self._env.now
        try:
            yield from self._steps(way.inside, deadline)
        finally:
            gate.leave(self._env.now - entered)

    def _steps(self, steps: Sequence[Step], deadline: float) -> Waiting:
        """A frame whose deadline passes goes no further than the step in which it is."""
        for station, cost in steps:
            yield from station.serve(cost)
            if self._env.now > deadline:
                raise _Late

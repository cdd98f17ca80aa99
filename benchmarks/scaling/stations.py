"""Where a frame is worked on: a service with so many places on the cores of a machine, or a GPU that takes batches."""

from dataclasses import dataclass
from typing import Protocol

import simpy

from scaling.machine import Cores, Waiting

UNLIMITED = 1_000_000
"""Places of a service that never lets anybody wait for one."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one frame takes of one station."""

    work_s: float
    """Core-seconds; at a GPU nothing, since a batch's time is the GPU's own."""
    threads: float = 1.0
    """Cores that the work can use at once."""
    delay_s: float = 0.0
    """Seconds in which no core works: networks, disks."""


class Station(Protocol):
    """Takes frames."""

    def serve(self, cost: Cost) -> Waiting:
        """Ends when the frame is done."""
        ...


class Service:
    """A process: first come, first served, `places` at once, on cores that it shares with others."""

    def __init__(
        self, env: simpy.Environment, cores: Cores, places: int = UNLIMITED, *, owner: "Service | None" = None
    ) -> None:
        """An idle service.

        Args:
            env: SimPy's clock.
            cores: on which it works.
            places: frames that it works on at once.
            owner: of whose process it is a part; None: it is a process of its own.
        """
        self._env = env
        self._cores = cores
        self._places = simpy.Resource(env, places)
        self._owner = owner or self

    def serve(self, cost: Cost) -> Waiting:
        """See `Station`."""
        self._cores.enter()
        with self._places.request() as turn:
            yield turn
            yield from self._cores.run(self._owner, cost.work_s, cost.threads)
            yield self._env.timeout(cost.delay_s)
        self._cores.leave()


@dataclass(frozen=True, slots=True)
class Batching:
    """How Triton puts requests together (`dynamic_batching`), and what a batch takes."""

    largest: int
    """Frames of a batch, at most."""
    wait_s: float
    """Seconds for which a request waits for others at most (`max_queue_delay_microseconds`)."""
    batch_s: float
    """Seconds that a batch takes, whatever its size."""
    frame_s: float
    """Seconds that each frame adds."""

    def seconds(self, frames: int) -> float:
        """Of one batch."""
        return self.batch_s + self.frame_s * frames


class Gpu:
    """One instance of the models on one GPU: one batch after the other, of what waits."""

    def __init__(self, env: simpy.Environment, batching: Batching) -> None:
        self._env = env
        self._batching = batching
        self._waiting: list[tuple[float, simpy.Event]] = []
        self._came = env.event()
        env.process(self._run())

    def serve(self, cost: Cost) -> Waiting:
        """See `Station`."""
        done = self._env.event()
        self._waiting.append((self._env.now, done))
        if not self._came.triggered:
            self._came.succeed()
        yield done
        yield self._env.timeout(cost.delay_s)

    def _run(self) -> Waiting:
        while True:
            if not self._waiting:
                self._came = self._env.event()
                yield self._came
            until = self._waiting[0][0] + self._batching.wait_s
            while len(self._waiting) < self._batching.largest and self._env.now < until:
                self._came = self._env.event()
                yield self._came | self._env.timeout(until - self._env.now)
            batch = self._waiting[: self._batching.largest]
            del self._waiting[: len(batch)]
            yield self._env.timeout(self._batching.seconds(len(batch)))
            for _, done in batch:
                done.succeed()

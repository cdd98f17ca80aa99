"""The whole cluster on one machine, or on several behind a balancer, as the simulator sees it."""

import random
from collections.abc import Sequence

import simpy

from scaling.calibration import Calibration, StageCost
from scaling.gate import Admission, Gate
from scaling.machine import Cores
from scaling.simulator import Result, Way, simulate
from scaling.stations import Cost, Service

AFTER_SHARE = 0.6
"""Of the gateway's own work: what comes after the verdict, archive, record and outbox; measured with these on and off
(`benchmarks/gateway.py`). The rest is done before and between the calls, half and half."""


class Host:
    """All services and their sender on the cores of one machine."""

    def __init__(self, env: simpy.Environment, calibration: Calibration, seed: int, admission: Admission) -> None:
        """An idle host.

        Args:
            env: SimPy's clock.
            calibration: of the machine.
            seed: of what the frames take.
            admission: the gateway's settings.
        """
        cores = Cores(env, calibration.cores, prices=calibration.prices)
        self.gate = Gate(env, admission)
        self.deadline_s = admission.deadline_s
        self._drawn = random.Random(seed)  # noqa: S311  # service times, no secrets
        self._walls = calibration.walls_s
        self._costs = calibration.costs()
        self._sender_share = calibration.sender_share
        self._sender = Service(env, cores)
        self._gateway = Service(env, cores, 1)
        self._recording = Service(env, cores, owner=self._gateway)
        self._preprocessing = Service(env, cores, calibration.threads)
        self._decision = Service(env, cores, 1)
        self._triton = Service(env, cores, calibration.instances)

    def way(self, number: int) -> Way:
        """That of a frame which takes what one of the measured ones took, in all its stages."""
        del number
        walls = self._drawn.choice(self._walls)
        door, decide = self._costs["door"], self._costs["decide"]
        sent, own = walls["door"] * self._sender_share, walls["door"] * (1 - self._sender_share)
        called = own * (1 - AFTER_SHARE) / 2
        return Way(
            before=[(self._sender, _cost(door, sent)), (self._gateway, _cost(door, called))],
            inside=[
                (self._preprocessing, _cost(self._costs["preprocess"], walls["preprocess"])),
                (self._gateway, _cost(door, called)),
                (self._decision, _cost(decide, walls["decide"] / 2)),
                (self._triton, _cost(self._costs["infer"], walls["infer"])),
                (self._decision, _cost(decide, walls["decide"] / 2)),
            ],
            # In threads of the gateway.
            after=[(self._recording, _cost(door, own * AFTER_SHARE))],
        )


def _cost(stage: StageCost, wall_s: float) -> Cost:
    """Of a frame whose stage took so long, alone."""
    return Cost(stage.work * wall_s, stage.threads, stage.delay * wall_s)


def predicted(
    calibration: Calibration, arrivals: Sequence[float], *, runs: int, admission: Admission | None = None
) -> list[Result]:
    """What comes of frames that arrive at these moments, in several runs that differ in what the frames take."""
    allowed = admission or Admission()

    def one_run(seed: int) -> Result:
        return simulate(arrivals, lambda env: Host(env, calibration, seed, allowed))

    return [one_run(seed) for seed in range(runs)]


def predicted_behind_a_balancer(
    calibration: Calibration, arrivals: Sequence[float], *, hosts: int, seed: int
) -> list[float]:
    """Latencies, in seconds, of frames that go in turn to so many such machines."""
    shares = [arrivals[first::hosts] for first in range(hosts)]
    runs = [simulate(share, lambda env: Host(env, calibration, seed, Admission())) for share in shares]
    return [latency for run in runs for latency in run.latencies_s]

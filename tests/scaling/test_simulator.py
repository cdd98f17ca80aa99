import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, stdev

import pytest
import simpy
from scaling.gate import Gate
from scaling.machine import Cores
from scaling.simulator import Way, poisson, simulate
from scaling.stations import UNLIMITED, Cost, Service, Station

SERVICE_S = 1.0
RUNS = 10
LOAD = 0.7
SECONDS = 1_000.0

Draw = Callable[[random.Random], float]


@dataclass
class OneStation:
    """A cluster of one station, whose frames take what is drawn for them."""

    station: Station
    draw: Callable[[], Cost]
    gate: Gate | None = None
    deadline_s: float = math.inf

    def way(self, number: int) -> Way:
        """See `Cluster`."""
        return Way((), [(self.station, self.draw())])


def exponential(drawn: random.Random) -> float:
    """Service times of M/M/1 and its kind."""
    return drawn.expovariate(1 / SERVICE_S)


def constant(drawn: random.Random) -> float:
    """Service times of M/D/1 and its kind."""
    return SERVICE_S


def mean_sojourn(draw: Draw, load: float, *, places: int, cores: int, seed: int) -> float:
    """Mean seconds from arrival to end, in one run."""
    drawn = random.Random(seed)  # noqa: S311  # service times, no secrets

    def build(env: simpy.Environment) -> OneStation:
        return OneStation(Service(env, Cores(env, cores), places), lambda: Cost(draw(drawn)))

    return fmean(simulate(poisson(load * cores / SERVICE_S, SECONDS, seed + 1_000), build).latencies_s)


def mm1(load: float, servers: int) -> float:
    """Mean sojourn of M/M/1, and of a shared processor with any service times (Kleinrock, Queueing Systems II, 4.4)."""
    return SERVICE_S / (1 - load)


def md1(load: float, servers: int) -> float:
    """Mean sojourn of M/D/1: Pollaczek-Khinchine."""
    return SERVICE_S * (1 + load / (2 * (1 - load)))


def mmc(load: float, servers: int) -> float:
    """Mean sojourn of M/M/c, by Erlang's C."""
    offered = load * servers
    last = offered**servers / math.factorial(servers) / (1 - load)
    waits = last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)
    return SERVICE_S * (1 + waits / (servers * (1 - load)))


@pytest.mark.parametrize(
    ("draw", "expected", "places", "cores"),
    [
        pytest.param(exponential, mm1, 1, 1, id="M/M/1"),
        pytest.param(constant, md1, 1, 1, id="M/D/1"),
        pytest.param(exponential, mmc, 2, 2, id="M/M/2"),
        pytest.param(exponential, mmc, 4, 4, id="M/M/4"),
        pytest.param(exponential, mm1, UNLIMITED, 1, id="M/M/1 shared"),
        pytest.param(constant, mm1, UNLIMITED, 1, id="M/D/1 shared"),
    ],
)
def test_mean_sojourn_is_that_of_the_closed_form(
    draw: Draw, expected: Callable[[float, int], float], places: int, cores: int
) -> None:
    """The closed form lies within four standard errors of the mean of ten runs."""
    means = [mean_sojourn(draw, LOAD, places=places, cores=cores, seed=seed) for seed in range(RUNS)]
    error = stdev(means) / math.sqrt(RUNS)
    assert fmean(means) == pytest.approx(expected(LOAD, cores), abs=4 * error)
    assert error < 0.1 * expected(LOAD, cores)

"""What work costs beside other frames: the prices at which simulated closed loops carry what the real ones carried.

A closed loop holds the number of frames in the cluster, and its throughput says how fast they are worked on: the
load-dependent rate of a flow-equivalent server (Chandy, Herzog, Woo 1975, Parametric Analysis of Queuing Networks).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from scaling.calibration import Calibration
from scaling.gate import Admission
from scaling.host import Host
from scaling.simulator import simulate_loop

LEAST, MOST = 0.5, 2.0
"""Prices among which is searched."""
HALVINGS = 10
"""Of that range: 0.0015 is left of it."""
RUNS = 5
"""Simulations of one loop, which differ in what the frames take."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One closed loop, measured."""

    at_once: int
    """Frames that were under way at any moment."""
    seconds: float
    """Until which new ones were sent."""
    frames_per_s: float
    """That were answered, until the last was."""
    cores: float
    """That others left to the cluster and its sender meanwhile."""


def priced(alone: Calibration, loops: Sequence[Loop]) -> Calibration:
    """Complete a calibration by frames that were alone.

    Args:
        alone: with the price 1 alone.
        loops: of two frames at once, of three, and so on, without a gap.

    Raises:
        RuntimeError: no price explains a loop.
    """
    prices = [1.0]
    for loop in loops:
        prices.append(_price(alone, prices, loop))
    return replace(alone, prices=prices, capacity=loops[-1].frames_per_s)


def loop_rate(calibration: Calibration, at_once: int, seconds: float) -> float:
    """Frames a second of a simulated closed loop, on average of several runs."""

    def one_run(seed: int) -> float:
        return simulate_loop(at_once, seconds, lambda env: Host(env, calibration, seed, Admission()))

    return fmean(map(one_run, range(RUNS)))


def _price(alone: Calibration, lower: Sequence[float], loop: Loop) -> float:
    """By bisection: the dearer the work, the fewer frames a second."""

    def carried(price: float) -> float:
        candidate = replace(alone, cores=loop.cores, prices=[*lower, price])
        return loop_rate(candidate, loop.at_once, loop.seconds)

    least, most = LEAST, MOST
    if not carried(most) < loop.frames_per_s < carried(least):
        raise RuntimeError(
            f"With {loop.at_once} frames at once {loop.frames_per_s:.1f} a second were answered, which no price of work"
            f" from {LEAST:g} to {MOST:g} explains; measure again, on a quiet machine."
        )
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        least, most = (middle, most) if carried(middle) > loop.frames_per_s else (least, middle)
    return (least + most) / 2

"""Alternating rounds: whatever disturbs the machine meets every runner."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from models_runners import Runner

ROUNDS = 5
"""That are aimed at; where even one run of each takes longer than its share of the budget, there are fewer."""


class Run(NamedTuple):
    """One measured run.

    Attributes:
        wall_s: seconds that it took.
        cpu_s: seconds that the cores spent on it, added up: what a machine shared with others tells best.
    """

    wall_s: float
    cpu_s: float


def measure(runners: Mapping[str, Runner], budget_s: float) -> dict[str, list[Run]]:
    """Run each in turn, again and again.

    Args:
        runners: by name. Each runs once beforehand to warm up, and once to see how long it takes.
        budget_s: seconds of the rounds; the one that is under way then is ended.
    """
    for runner in runners.values():
        runner()
    turns = {name: _runs_of_a_turn(_run(runner).wall_s, budget_s / len(runners)) for name, runner in runners.items()}
    measured: dict[str, list[Run]] = {name: [] for name in runners}
    ends = time.perf_counter() + budget_s
    while True:
        for name, runner in runners.items():
            measured[name].extend(_run(runner) for _ in range(turns[name]))
        if time.perf_counter() >= ends:
            return measured


def _runs_of_a_turn(seconds: float, budget_s: float) -> int:
    return max(1, int(budget_s / ROUNDS / seconds))


def _run(runner: Runner) -> Run:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    runner()
    return Run(time.perf_counter() - wall_s, time.process_time() - cpu_s)

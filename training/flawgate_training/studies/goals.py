"""Whether a study's goal is met, and what several seeds come to together."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from flawgate_training.studies.figures import FIGURES, FigureName, told
from flawgate_training.studies.results import RunResult, StudyResult
from flawgate_training.studies.schema import Goal


@dataclass(frozen=True)
class Verdict:
    """What became of a goal.

    Attributes:
        word: "met", "missed", "not run" or "no goal".
        sentence: the same with what was run, and whether the floor holds.
    """

    word: str
    sentence: str


def verdict(result: StudyResult) -> Verdict:
    """Of a study: its goal is met where every finished seed of the headline variant meets every part of it."""
    goals, runs = result.study.goals, result.of(result.study.headline)
    if not goals:
        return Verdict("no goal", "a comparison; no goal was set")
    if not runs:
        return Verdict("not run", "not run")
    good = [run for run in runs if all(_meets(goal, run) for goal in goals)]
    usable = [run for run in runs if all(_meets(goal, run, floor=True) for goal in goals if goal.floor is not None)]
    if len(good) == len(runs):
        return Verdict("met", _counted("met", len(good), runs, result))
    sentence = _counted("**missed**", len(runs) - len(good), runs, result)
    if any(goal.floor is not None for goal in goals):
        sentence += "; the floor holds" if len(usable) == len(runs) else "; **short of the floor** as well"
    return Verdict("missed", sentence)


def counts(results: Sequence[StudyResult]) -> list[tuple[str, int]]:
    """How many studies met their goal, missed it, or were not run; those without a goal do not count."""
    words = [verdict(result).word for result in results]
    return [(word, words.count(word)) for word in ("met", "missed", "not run")]


def sentence(goal: Goal) -> str:
    """A goal in words, e.g. "errors ≤ 0 (floor 2)"."""
    sign = "≤" if FIGURES[goal.figure].counted else "≥"
    floor = "" if goal.floor is None else f" (floor {told(goal.figure, goal.floor)})"
    return f"{FIGURES[goal.figure].title} {sign} {_plain(goal)}{floor}"


def over_seeds(runs: Sequence[RunResult], name: FigureName) -> str:
    """A figure over seeds: its value where there is one seed, else mean ± standard deviation; empty without any."""
    found = [run.figures[name] for run in runs if name in run.figures]
    if len(found) < 2:
        return told(name, found[0]) if found else ""
    decimals = 2 if FIGURES[name].counted else 4
    return f"{mean(found):.{decimals}f} ± {stdev(found):.{decimals}f}"


def _meets(goal: Goal, run: RunResult, *, floor: bool = False) -> bool:
    return goal.figure in run.figures and goal.meets(run.figures[goal.figure], floor=floor)


def _counted(word: str, count: int, runs: Sequence[RunResult], result: StudyResult) -> str:
    seeds = len(runs)
    told_seeds = "with the one seed run" if seeds == 1 else f"with {count} of {seeds} seeds"
    left = len(result.study.seeds) - seeds
    return f"{word} {told_seeds}" + (f" ({left} not run)" if left else "")


def _plain(goal: Goal) -> str:
    return f"{goal.bound:g}" if FIGURES[goal.figure].counted else f"{goal.bound:.4g}"

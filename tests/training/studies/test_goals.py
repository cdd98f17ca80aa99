import pytest
from support.tiny_studies import counted, result, run

from flawgate_training.studies.goals import over_seeds, sentence, verdict
from flawgate_training.studies.results import RunResult
from flawgate_training.studies.schema import Goal

GOOD, USABLE, BAD = (run(0, counted(*errors)) for errors in ((0, 0), (1, 1), (3, 2)))


def of_seed(found: RunResult, seed: int) -> RunResult:
    """The same figures with another seed."""
    return found.model_copy(update={"seed": seed})


@pytest.mark.parametrize(
    ("runs", "word", "told"),
    [
        ((), "not run", "not run"),
        ((GOOD, of_seed(GOOD, 1)), "met", "met with 2 of 2 seeds"),
        ((GOOD,), "met", "met with the one seed run (1 not run)"),
        ((USABLE,), "missed", "**missed** with the one seed run (1 not run); the floor holds"),
        ((GOOD, of_seed(USABLE, 1)), "missed", "**missed** with 1 of 2 seeds; the floor holds"),
        ((GOOD, of_seed(BAD, 1)), "missed", "**missed** with 1 of 2 seeds; **short of the floor** as well"),
    ],
)
def test_a_goal_is_met_by_every_seed_or_missed(runs: tuple[RunResult, ...], word: str, told: str) -> None:
    """One seed that misses is a miss, the floor is told beside, and seeds that were not run are counted."""
    found = verdict(result(*runs))
    assert (found.word, found.sentence) == (word, told)


def test_a_study_without_a_goal_only_compares() -> None:
    """Nothing is claimed to be met."""
    assert verdict(result(GOOD, goals=[])).word == "no goal"


def test_several_seeds_have_a_mean_and_a_deviation() -> None:
    """The sample's standard deviation; of a single seed the value alone; of none nothing."""
    runs = [run(seed, {"auroc": value}) for seed, value in enumerate((0.97, 0.98, 0.99))]
    assert over_seeds(runs, "auroc") == "0.9800 ± 0.0100"
    assert over_seeds(runs[:1], "auroc") == "0.9700"
    assert over_seeds(runs, "f1") == ""


def test_a_goal_in_words() -> None:
    """Its bound, and its floor where it has one."""
    assert sentence(Goal(figure="errors", at_most=0, floor=2)) == "errors ≤ 0 (floor 2)"
    assert sentence(Goal(figure="mean_iou", at_least=0.97)) == "mean IoU ≥ 0.97"

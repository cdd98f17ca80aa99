"""The studies as a table."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flawgate_training.studies import goals, loading


def show(studies: Path | None = None) -> None:
    """Print every study: its question, its runs and its goal.

    Args:
        studies: folder of the studies; ours where None.

    Raises:
        InvalidExperiment: a study is wrong.
    """
    headings = ("study", "question", "variants × seeds", "goal")
    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.caption = "flawgate reproduce STUDY carries one out; docs/results.md shows what they came to"
    table.columns[0].no_wrap = True
    for study in loading.load_all(studies):
        goal = "; ".join(goals.sentence(each) for each in study.goals)
        table.add_row(study.name, study.question, f"{len(study.variants)} × {len(study.seeds)}", goal)
    Console().print(table)

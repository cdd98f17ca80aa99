from collections.abc import Mapping

import pytest

from flawgate_cli.scraping import parse
from flawgate_cli.top.changes import Change
from flawgate_cli.top.machinery import stages

GATEWAY = {"wait": 0.001, "preprocess": 0.008, "decide": 0.06, "archive": 0.001, "record": 0.003}
PREPROCESSING = {"decode": 0.004, "steps": 0.001}
DECISION = {"infer": 0.055, "policy": 0.001}


def took(seconds: Mapping[str, float]) -> Change:
    """A service whose stages were passed once, in so many seconds each."""
    return Change(parse(metrics(dict.fromkeys(seconds, 0.0), 0)), parse(metrics(seconds, 1)), 1.0)


def metrics(seconds: Mapping[str, float], count: int) -> str:
    """Sum and count of each stage."""
    name = "flawgate_stage_duration_seconds"
    lines = (
        f'{name}_count{{stage="{stage}"}} {count}\n{name}_sum{{stage="{stage}"}} {total}\n'
        for stage, total in seconds.items()
    )
    return "".join(lines)


@pytest.mark.parametrize(
    ("grown", "bold"),
    [
        ({}, ["infer"]),
        ({"record": 0.2}, ["record"]),
        ({"decode": 0.2, "preprocess": 0.204}, ["decode"]),
        ({"preprocess": 0.2}, ["preprocess"]),
        ({"decide": 0.2}, ["decide"]),
        (dict.fromkeys((*GATEWAY, *PREPROCESSING, *DECISION), 0.0), []),
    ],
)
def test_the_stage_with_the_most_time_of_its_own_is_bold(grown: Mapping[str, float], bold: list[str]) -> None:
    """A call that is slow while what it calls is fast stands out; a cluster at rest has no such stage."""
    services = {"gateway": GATEWAY, "preprocessing": PREPROCESSING, "decision": DECISION}
    shown = stages(
        (name, took({stage: grown.get(stage, seconds) for stage, seconds in each.items()}))
        for name, each in services.items()
    )
    names = shown.columns[0].cells
    assert bold == [str(name) for name, row in zip(names, shown.rows, strict=True) if row.style == "bold"]

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/threats.md").read_text("utf-8")

THREATS: dict[str, str] = dict(re.findall(r'<a id="t(\d+)"></a>(.+?)(?=\n<a id=|\n## |\Z)', PAGE, re.DOTALL))
"""Number → text of each threat."""

TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def collected(path: str) -> frozenset[str]:
    """The tests that pytest collects of a file: functions at its top, or methods of its classes."""
    file = ROOT / path
    tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    functions = (node for body in bodies for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@pytest.mark.parametrize(("path", "name"), sorted(set(TEST.findall(PAGE))))
def test_every_test_that_the_page_names_is_there(path: str, name: str) -> None:
    """A test that was renamed or taken out proves nothing any more."""
    assert Path(path).name.startswith("test_")
    assert name in collected(path)


@pytest.mark.parametrize("number", THREATS)
def test_every_threat_is_tested_or_accepted(number: str) -> None:
    """None is told of without a test, or else a reason to live with it."""
    text = THREATS[number]
    assert text.startswith(f"**T{number}. ")
    assert TEST.search(text) is not None or "Accepted: " in text


def test_threats_are_counted_without_a_hole() -> None:
    """Each has a number of its own, and those that are pointed to are there."""
    assert list(THREATS) == [str(number) for number in range(1, len(THREATS) + 1)]
    assert {int(number) for number in re.findall(r"\bT(\d+)\b", PAGE)} == set(range(1, len(THREATS) + 1))
    assert len(THREATS) >= 30

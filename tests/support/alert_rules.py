"""The rules of `monitoring/rules` and promtool's cases beside them, as their files say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring/rules"
CASES = sorted((RULES / "tests").glob("*.yml"))

_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that records a series, or raises an alert.

    Attributes:
        name: of the series or the alert.
        expression: PromQL.
        labels: that it adds; an alert has `severity`.
        annotations: what an alert says; empty where it records.
    """

    name: str
    expression: str
    labels: dict[str, str]
    annotations: dict[str, str]

    def __str__(self) -> str:
        """What a failed test is named by."""
        return f"{self.name} {self.labels.get('severity', '')}".rstrip()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case of promtool expects of an alert at one moment.

    Attributes:
        alert: its name.
        severity: None where any is asked for.
        firing: labels of each that must fire; empty where none may.
    """

    alert: str
    severity: str | None
    firing: tuple[dict[str, str], ...]

    def is_of(self, rule: Rule) -> bool:
        """Whether it says something of this alert."""
        return self.alert == rule.name and self.severity in (None, rule.labels["severity"])


def recorded() -> list[Rule]:
    """All rules that record."""
    return [Rule(each["record"], each["expr"], {}, {}) for each in _rules() if "record" in each]


def alerts() -> list[Rule]:
    """All rules that raise an alert; one name may have several, which differ in their severity."""
    return [
        Rule(each["alert"], each["expr"], each["labels"], each["annotations"]) for each in _rules() if "alert" in each
    ]


def groups() -> set[str]:
    """Names of all groups."""
    return {group["name"] for group in _groups()}


def expected() -> list[Expected]:
    """What all cases expect of single alerts."""
    return [
        _expected(asked)
        for path in CASES
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for asked in case["promql_expr_test"]
        if 'alertname="' in asked["expr"]
    ]


def _expected(asked: dict[str, Any]) -> Expected:
    labels = dict(_LABEL.findall(asked["expr"]))
    firing = tuple(dict(_LABEL.findall(sample["labels"])) for sample in asked["exp_samples"])
    return Expected(labels["alertname"], labels.get("severity"), firing)


def _groups() -> Iterator[dict[str, Any]]:
    for path in sorted(RULES.glob("*.yml")):
        yield from yaml.safe_load(path.read_text("utf-8"))["groups"]


def _rules() -> Iterator[dict[str, Any]]:
    for group in _groups():
        yield from group["rules"]

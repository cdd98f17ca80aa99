"""What looks alike on all boards: colours, limits, names of states, addresses of runbooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

REPOSITORY = "https://github.com/flawgate/flawgate/blob/main"

EVALUATIONS = MappingProxyType({"OK": "green", "NOT_OK": "red", "NOT_DECIDABLE": "orange"})
"""Evaluation → its colour, on every board."""


def runbook_url(alert: str) -> str:
    """The page that says what to do when an alert fires."""
    return f"{REPOSITORY}/docs/runbooks/{alert}.md"


@dataclass(frozen=True)
class Thresholds:
    """From which value on a colour holds; `lines` draws the limits into a graph."""

    first: str
    """Colour below all limits."""
    steps: Mapping[float, str]
    lines: bool = False

    def json(self) -> dict[str, Any]:
        """As a field's thresholds."""
        steps: list[dict[str, Any]] = [{"color": self.first, "value": None}]
        return {
            "mode": "absolute",
            "steps": steps + [{"color": colour, "value": value} for value, colour in sorted(self.steps.items())],
        }


GOOD = Thresholds("green", {})
NEUTRAL = Thresholds("blue", {})
"""Of a number that is neither good nor bad."""


def above(bad: float, *, warning: float | None = None, lines: bool = True) -> Thresholds:
    """Good is low: red from `bad` on, orange from `warning` on."""
    return Thresholds("green", {**({} if warning is None else {warning: "orange"}), bad: "red"}, lines)


def below(good: float, *, warning: float | None = None, lines: bool = False) -> Thresholds:
    """Good is high: green from `good` on, orange from `warning` on, else red."""
    return Thresholds("red", {**({} if warning is None else {warning: "orange"}), good: "green"}, lines)


@dataclass(frozen=True)
class States:
    """What a gauge of 0 and 1 means in words."""

    one: str
    zero: str
    one_colour: str = "green"
    zero_colour: str = "red"

    def json(self) -> list[dict[str, Any]]:
        """As a field's mappings."""
        return [
            {
                "type": "value",
                "options": {
                    "1": {"text": self.one, "color": self.one_colour, "index": 0},
                    "0": {"text": self.zero, "color": self.zero_colour, "index": 1},
                },
            }
        ]

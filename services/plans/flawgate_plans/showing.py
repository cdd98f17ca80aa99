"""How outcomes are shown: tables for people, JSON for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flawgate_plans.pins import PINS
from flawgate_plans.proving import Trial, Verdict


@dataclass(frozen=True)
class Outcome:
    """What became of the plans of one version.

    Attributes:
        recipe: its name.
        version: of it.
        state: `built`; `sound`: they stood already; `refused` by the golden frames.
        trial: of the golden frames; None where nothing was built.
        in_force: whether Triton, told to take plans, takes them for the recipe's active version.
    """

    recipe: str
    version: int
    state: Literal["built", "sound", "refused"]
    trial: Trial | None
    in_force: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts: dict[str, Any] = {"recipe": self.recipe, "version": self.version, "state": self.state}
        if self.trial is not None:
            facts["proof"] = self.trial.proof.model_dump()
            facts["frames"] = [_frame(verdict) for verdict in self.trial.verdicts]
        return facts | {"in_force": self.in_force}


def print_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """One row a version."""
    table = Table(header_style="bold", box=box.SIMPLE_HEAD)
    for column in (
        "recipe",
        "version",
        "plans",
        "golden frames",
        "not at hand",
        "score moved by",
        "Triton takes",
    ):
        table.add_column(column)
    for outcome in outcomes:
        proof = outcome.trial and outcome.trial.proof
        table.add_row(
            Text(outcome.recipe),
            str(outcome.version),
            outcome.state,
            str(proof.frames) if proof else "",
            str(proof.unchecked) if proof else "",
            f"{proof.score_difference:.2g}" if proof else "",
            "plans" if outcome.in_force else "ONNX",
        )
    console.print(table)


def frames_table(trial: Trial) -> str:
    """The golden frames, those that do not hold first, as plain text."""
    ranked = sorted(trial.verdicts, key=lambda verdict: (verdict.holds, -verdict.difference))
    rows = [("frame", "must be", "score", "plan says", "score", ""), *map(_row, ranked)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def pins() -> list[dict[str, Any]]:
    """The TensorRT that plans are built with, and its fallback."""
    return [{"tensorrt": str(pin.tensorrt), "image": pin.image, "least_driver": pin.driver} for pin in PINS]


def print_pins(console: Console) -> None:
    """One row a pin."""
    table = Table(header_style="bold", box=box.SIMPLE_HEAD)
    for column in ("TensorRT", "image", "driver"):
        table.add_column(column)
    for pin in pins():
        driver = "as its image asks" if pin["least_driver"] is None else f"{pin['least_driver']} or newer"
        table.add_row(pin["tensorrt"], pin["image"] or "any of NVIDIA's that holds it", driver)
    console.print(table)


def _row(verdict: Verdict) -> tuple[str, ...]:
    wanted = verdict.frame
    remark = "" if verdict.holds else "refused"
    scores = (f"{wanted.score:.6f}", verdict.evaluation, f"{verdict.score:.6f}")
    return (wanted.name, wanted.evaluation, *scores, remark)


def _frame(verdict: Verdict) -> dict[str, Any]:
    wanted = {"evaluation": verdict.frame.evaluation, "score": verdict.frame.score}
    found = {"evaluation": verdict.evaluation, "score": verdict.score}
    return {"name": verdict.frame.name, "wanted": wanted, "found": found, "holds": verdict.holds}

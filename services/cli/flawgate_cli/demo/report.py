"""What came of the demo's frames: confusion matrix, latency, throughput."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flawgate_cli.demo.frames import LabelledFrame
from flawgate_cli.inspecting.output import STYLES, print_outcomes
from flawgate_cli.inspecting.sending import Outcome

EVALUATIONS = ("OK", "NOT_OK", "NOT_DECIDABLE")
MIN_AGREEMENT = 0.95
"""A recipe that agrees with fewer of the labels, as a share, is wrong with this installation, not with a frame."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of one recipe's frames."""

    recipe: str
    frames: Sequence[LabelledFrame]
    outcomes: Sequence[Outcome]
    seconds: float
    """From the first frame sent to the last answer."""

    @property
    def confusion(self) -> Counter[tuple[bool, str]]:
        """(defective, evaluation) → number of frames; frames without an evaluation are not in it."""
        pairs = zip(self.frames, self.outcomes, strict=True)
        return Counter((frame.defective, out.evaluation) for frame, out in pairs if out.evaluation is not None)

    @property
    def agreement(self) -> float:
        """Share of the frames that were evaluated as they are labelled, 0 to 1."""
        right = self.confusion[False, "OK"] + self.confusion[True, "NOT_OK"]
        return right / len(self.frames)

    @property
    def failed(self) -> int:
        """Frames without an evaluation."""
        return sum(outcome.inspection is None for outcome in self.outcomes)

    def faults(self) -> list[str]:
        """What is wrong, in sentences; empty when nothing is."""
        faults = []
        if self.failed:
            faults.append(f"{self.recipe}: {self.failed} of {len(self.frames)} frames were not evaluated.")
        if self.agreement < MIN_AGREEMENT:
            faults.append(
                f"{self.recipe}: {self.agreement:.1%} of the evaluations agree with the labels; "
                f"at least {MIN_AGREEMENT:.0%} are expected."
            )
        return faults

    def print_to(self, console: Console) -> None:
        """Show all frames, the confusion matrix and the times."""
        labels = [frame.defective for frame in self.frames]
        print_outcomes(console, self.outcomes, title=f"Recipe {self.recipe}", labels=labels)
        console.print(_confusion_table(self.confusion, self.recipe))
        console.print(self._times(), highlight=False)
        console.print()

    def _times(self) -> str:
        latencies = sorted(outcome.latency_s * 1000 for outcome in self.outcomes if outcome.inspection is not None)
        if not latencies:
            return "no frame was evaluated: no latency, no throughput"
        p50 = statistics.median(latencies)
        p95 = latencies[math.ceil(0.95 * len(latencies)) - 1]
        rate = len(latencies) / self.seconds
        return f"latency p50 [bold]{p50:.0f} ms[/], p95 [bold]{p95:.0f} ms[/] · throughput [bold]{rate:.1f} frames/s[/]"


def _confusion_table(confusion: Counter[tuple[bool, str]], recipe: str) -> Table:
    title = Text(f"{recipe}: labels against evaluations", "bold")
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("label")
    for evaluation in EVALUATIONS:
        table.add_column(evaluation, justify="right", style=STYLES[evaluation])
    for defective in (False, True):
        cells = (str(confusion[defective, evaluation]) for evaluation in EVALUATIONS)
        table.add_row("defective" if defective else "good", *cells)
    return table

"""Paper d's figures 5 and 6 drawn again: a figure by the accuracy of the annotation, one line per network."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path

from flawgate_contracts.repository.files import write_whole
from flawgate_training.report import charts
from flawgate_training.report.charts import STYLES, Axis, Chart, Line, Mark, Point
from flawgate_training.studies.figures import FIGURES, FigureName, told
from flawgate_training.studies.results import StudyResult
from flawgate_training.studies.templating import environment

SOURCES = ("ksdd", "ksdd_comparators", "ksdd_annotations")
"""Studies whose runs are points of the lines."""

NETWORKS = {
    "commutator_two_stage": "two-stage network",
    "commutator_deeplabv3plus": "DeepLabV3+",
    "commutator_unet": "U-Net",
    "commutator_residual": "residual network",
}
"""By architecture, in the order of the lines: the paper's three, then ours."""

FIGURE_OF: dict[FigureName, str] = {
    "f1": "5a",
    "precision": "5b",
    "recall": "5c",
    "false_positives": "6",
    "false_negatives": "6",
}
"""What the paper draws, and in which of its figures."""

PAPER = {"commutator_two_stage": (1, 1), "commutator_deeplabv3plus": (2, 4), "commutator_unet": (5, 4)}
"""False positives and false negatives at 9, the only ones that stand in the paper's text; 52 frames are defective. In
the order of the first lines, whose colours they take."""

_DEFECTIVE = 52
_ACCURACIES = (1.0, 5.0, 9.0, 13.0, 15.0)
_STEP = 0.05


def draw(results: Sequence[StudyResult], folder: Path) -> list[FigureName]:
    """Write one SVG per figure, `annotations_<figure>.svg`.

    Args:
        results: of all studies.
        folder: where they are written.

    Returns:
        What was drawn; nothing where no run of a first seed is finished.

    Raises:
        DiskFull: no space is left.
    """
    lines = {network: _measured(results, network) for network in NETWORKS}
    if not any(lines.values()):
        return []
    template = environment().get_template("chart.svg.j2")
    for name in FIGURE_OF:
        drawn = template.render(chart=chart(name, lines), c=charts)
        write_whole(folder / f"annotations_{name}.svg", drawn.encode())
    return list(FIGURE_OF)


Measured = dict[int, Mapping[FigureName, float]]
"""By dilation, in pixels: the figures of one run."""


def chart(name: FigureName, lines: dict[str, Measured]) -> Chart:
    """One figure by dilation, with what the paper tells beside."""
    points = {network: tuple(_points(measured, name)) for network, measured in lines.items()}
    styles = dict(zip(NETWORKS, STYLES, strict=False))
    return Chart(
        title=f"{FIGURES[name].title} by annotation accuracy",
        note="",
        x=Axis("side of the square by which labels grew, in pixels (1: as drawn)", 0.0, 16.0, _ACCURACIES),
        y=_axis(name, [value for line in points.values() for _, value in line]),
        lines=tuple(Line(NETWORKS[network], points[network], styles[network]) for network in NETWORKS),
        marks=tuple(
            Mark(f"paper d, {NETWORKS[network]}", (9.0, _of_paper(name, *counts)), hollow=True)
            for network, counts in PAPER.items()
        ),
    )


def _measured(results: Sequence[StudyResult], network: str) -> Measured:
    """Of each study's first seed alone: a mean over three seeds beside a single run would show their number too."""
    found = {
        run.dilation: run.figures
        for result in results
        if result.study.name in SOURCES
        for run in result.runs
        if run.dilation and (run.architecture, run.seed) == (network, result.study.seeds[0])
    }
    return dict(sorted(found.items()))


def _points(measured: Measured, name: FigureName) -> Iterator[Point]:
    return ((float(dilation), figures[name]) for dilation, figures in measured.items())


def _of_paper(name: FigureName, false: int, missed: int) -> float:
    found = _DEFECTIVE - missed
    return {
        "f1": 2 * found / (2 * found + false + missed),
        "precision": found / (found + false),
        "recall": found / _DEFECTIVE,
        "false_positives": float(false),
        "false_negatives": float(missed),
    }[name]


def _axis(name: FigureName, values: Sequence[float]) -> Axis:
    if FIGURES[name].counted:
        return charts.axis(f"{FIGURES[name].title}, frames", [0.0, 6.0, *values], whole=True)
    steps = max(4, ceil((1 - min(values, default=1.0)) / _STEP - 1e-9))
    ticks = tuple(round(1 - _STEP * index, 2) for index in range(steps, -1, -1))
    return Axis(FIGURES[name].title, ticks[0], 1.0, ticks if steps <= 8 else ticks[::2])


def alternative(name: FigureName) -> str:
    """For a reader without the picture."""
    paper = ", ".join(f"{NETWORKS[of]} {told(name, _of_paper(name, *counts))}" for of, counts in PAPER.items())
    return f"{FIGURES[name].title} by annotation accuracy; the paper at 9: {paper}"

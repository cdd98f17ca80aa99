import pytest

from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.learning.curves import Curves, Epoch
from flawgate_training.report import charts, curves
from flawgate_training.report.histogram import histogram


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.07, 0.43], (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ([3.0, 97.0], (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)),
        ([-0.02, 0.01], (-0.02, -0.01, 0.0, 0.01)),
        ([0.0, 0.0], (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
    ],
)
def test_round_ticks(values: list[float], ticks: tuple[float, ...]) -> None:
    """An axis holds its values, begins at 0 where it can, and has ticks at round numbers."""
    assert charts.axis("loss", values).ticks == ticks


def test_whole_epochs() -> None:
    """There is no epoch 1.5."""
    assert charts.axis("epoch", [1, 3], zero=False, whole=True).ticks == (1, 2, 3)


def test_pixels() -> None:
    """The axes' ends are the corners of the plotted area; beyond them nothing is drawn."""
    chart = charts.Chart("", "", charts.shares("x"), charts.shares("y"), ())
    left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
    line = charts.Line("", ((0, 0), (1, 1), (2, -1)), "first")
    bottom = charts.HEIGHT - charts.BOTTOM
    assert chart.path(line) == f"{left:.1f},{bottom:.1f} {right:.1f},{charts.TOP:.1f} {right:.1f},{bottom:.1f}"


def epoch(number: int, score: float | None) -> Epoch:
    """One epoch."""
    return Epoch(epoch=number, loss=1 / number, score=score, learning_rate=0.1, seconds=1, waited=0)


def test_curves_of_stages() -> None:
    """A chart of the loss of every stage, and one of the validation score where there was one."""
    made: Curves = {
        "segmentation": (epoch(1, None), epoch(2, None)),
        "refinement_without_part_1": (epoch(1, None),),
        "classification": (epoch(1, 0.5), epoch(2, 0.7)),
    }
    drawn = curves.charts({"run": made})
    assert [chart.title for chart in drawn] == [
        "Segmentation: training loss",
        "Refinement without part 1: training loss",
        "Classification: training loss",
        "Classification: validation score",
    ]
    assert drawn[3].lines[0].points == ((1, 0.5), (2, 0.7))


def test_a_line_for_each_fold() -> None:
    """Folds share a chart, each with its name."""
    made: Curves = {"reconstruction": (epoch(1, None),)}
    (chart,) = curves.charts({"fold0": made, "fold1": made})
    assert [line.name for line in chart.lines] == ["fold0", "fold1"]


def test_no_curves() -> None:
    """A run without curves has no chart."""
    assert curves.charts({"run": {}}) == []


def predictions(*scores: float, defective: bool) -> list[Prediction]:
    """Frames with these scores."""
    return [Prediction(name="frame", defective=defective, score=score) for score in scores]


@pytest.mark.parametrize(("threshold", "top"), [(0.9, 1.0), (0.5, 1.0), (0.02, 0.05), (1.0, 1.0), (0.0, 1.0)])
def test_histogram(threshold: float, top: float) -> None:
    """Every frame is in one column, and the threshold parts the columns as it parts the frames."""
    good, bad = predictions(0.0, threshold * 0.5, defective=False), predictions(threshold, top, defective=True)
    drawn = histogram(good + bad, threshold)
    counts = [(column.good.count, column.defective.count, column.alarm) for column in drawn.columns]
    assert sum(defective for _, defective, alarm in counts if alarm) == 2
    assert sum(good for good, _, alarm in counts if alarm == (threshold == 0)) == 2
    assert sum(good + defective for good, defective, _ in counts) == 4


def test_columns_narrow_towards_the_threshold() -> None:
    """On either side of it, the nearest column is the narrowest."""
    drawn = histogram(predictions(0.1, 1.0, defective=True), 0.9)
    widths = [round(float(column.high) - float(column.low), 6) for column in drawn.columns]
    below = [width for width, column in zip(widths, drawn.columns, strict=True) if not column.alarm]
    assert below == sorted(below, reverse=True)
    assert widths[len(below)] < 0.03


def test_few_beside_many_are_seen() -> None:
    """One frame beside a thousand still has a tenth of the height: the scale turns logarithmic."""
    drawn = histogram(predictions(*[0.01] * 1000, defective=False) + predictions(0.99, defective=True), 0.9)
    assert drawn.logarithmic
    assert drawn.columns[-1].defective.share > 0.1

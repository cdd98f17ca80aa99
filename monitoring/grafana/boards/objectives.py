"""The board of the objectives: how much may still go wrong this month, and how fast that is used up."""

from dataclasses import dataclass

from monitoring.grafana.boards.board import Board, Row
from monitoring.grafana.boards.kinds import Graph, Number
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import SHOWN, counted
from monitoring.grafana.boards.style import Thresholds, above, below

ERRORS = "cluster:flawgate_inspection_errors"
SLOW = "cluster:flawgate_slow_inspections"
BURNING = Thresholds("green", {1: "orange", 3: "orange", 6: "red", 14.4: "red"}, lines=True)
"""Burn rates at which alerts fire: over 3 days, 1 day, 6 hours, 1 hour."""


@dataclass(frozen=True)
class Objective:
    """One objective over 30 days."""

    name: str
    """What its budget is called."""
    share: float
    """Of the events that must be good."""
    bad: str
    """Recording rules of the bad events, without what they say of them and the window."""
    all: str
    """Those of all events."""
    alert: str

    def good(self) -> str:
        """Share of good events over 30 days, 0 to 1."""
        return f"1 - sum_over_time({self.bad}:increase1m[30d]) / (sum_over_time({self.all}:increase1m[30d]) > 0)"

    def left(self) -> str:
        """Share of the error budget of 30 days that is left, at most 1; below 0 where it is overspent."""
        return f"1 - (1 - ({self.good()})) / {1 - self.share:g}"

    def burn(self, window: str) -> str:
        """How many times faster than the budget lasts bad events come, over a window."""
        return f"{self.bad}:ratio_increase{window} / {1 - self.share:g}"


AVAILABILITY = Objective(
    "of verdicts",
    0.999,
    ERRORS,
    "cluster:flawgate_inspections",
    "FlawgateInspectionErrorBudgetBurn",
)
LATENCY = Objective(
    "of time",
    0.95,
    SLOW,
    "cluster:flawgate_answered_inspections",
    "FlawgateInspectionLatencyBudgetBurn",
)
WINDOWS = ("5m", "30m", "1h", "6h", "1d", "3d")


def _numbers(objective: Objective, question: str, bad_question: str) -> list[Number]:
    share = f"{objective.share:.4g}"
    return [
        Number(
            title=question,
            description=f"Over the last 30 days, or as long as Prometheus remembers. The objective is {share}.",
            queries=[Query(expr=objective.good())],
            unit="percentunit",
            decimals=2,
            maximum=1,
            thresholds=below(objective.share),
            alerts=[objective.alert],
            width=6,
        ),
        Number(
            title=f"How much of the budget {objective.name} is left?",
            description="Of what may go wrong in 30 days. Below 0 the objective is missed: no risky change until it "
            "is made up.",
            queries=[Query(expr=objective.left())],
            unit="percentunit",
            decimals=0,
            minimum=None,
            maximum=1,
            thresholds=below(0.25, warning=0),
            alerts=[objective.alert],
            width=6,
        ),
        Number(
            title=f"How fast does the budget {objective.name} burn now?",
            description="Over the last hour. 1 uses the budget up in exactly 30 days; 14.4 uses up 2 % of it in an "
            "hour.",
            queries=[Query(expr=objective.burn("1h"))],
            unit="suffix:×",
            decimals=1,
            thresholds=above(6, warning=1, lines=False),
            alerts=[objective.alert],
            width=6,
        ),
        Number(
            title=bad_question,
            description="Within the time that the board shows. The graphs below say which.",
            # Each event stands in four samples: a minute's count is taken every 15 s.
            queries=[Query(expr=f"sum_over_time({objective.bad}:increase1m{SHOWN}) / 4")],
            decimals=0,
            width=6,
        ),
    ]


def _burn_rates(objective: Objective) -> Graph:
    return Graph(
        title=f"How fast does the budget {objective.name} burn, by window?",
        description="It wakes somebody where 1 h and 5 m are both above 14.4, or 6 h and 30 m above 6; it makes a "
        "ticket where 1 d and 2 h are above 3, or 3 d and 6 h above 1. A short window above a long one: "
        "it gets worse; below it: it heals.",
        queries=[Query(expr=objective.burn(window), legend=window) for window in WINDOWS],
        unit="suffix:×",
        decimals=1,
        thresholds=BURNING,
        ranked=False,
        alerts=[objective.alert],
    )


VERDICTS = Row(
    "Do 99.9 % of the inspections get a verdict?",
    [
        *_numbers(AVAILABILITY, "What share gets a verdict?", "How many got none, by our fault?"),
        _burn_rates(AVAILABILITY),
        Graph(
            title="What burns the budget of verdicts?",
            nothing="nothing",
            description="Inspections without a verdict within the time shown, by reason, where it was not the "
            "caller's fault. The reason leads to its page: `docs/problems.md`.",
            queries=[
                Query(
                    expr=counted("flawgate_inspection_failures_total", "reason", '{fault="service"}'),
                    legend="{{reason}}",
                ),
                Query(
                    expr=counted(
                        "flawgate_inspections_total", "reason", '{reason=~"DEADLINE_UNREACHABLE|GOLDEN_CHECK_FAILED"}'
                    ),
                    legend="NOT_DECIDABLE: {{reason}}",
                ),
            ],
            decimals=0,
            stacked=True,
            alerts=["FlawgateInspectionErrorBudgetBurn"],
        ),
    ],
)

IN_TIME = Row(
    "Are 95 % of the inspections answered within 1 s?",
    [
        *_numbers(LATENCY, "What share is answered within 1 s?", "How many took longer than 1 s?"),
        _burn_rates(LATENCY),
        Graph(
            title="What share is slower than 1 s, by recipe?",
            description="Of the last minutes. Go on to **Latency budget** with that recipe.",
            queries=[
                Query(
                    expr="1 - sum by (recipe) "
                    '(rate(flawgate_inspection_duration_seconds_bucket{le="1.0"}[$__rate_interval])) / '
                    "(sum by (recipe) (rate(flawgate_inspection_duration_seconds_count[$__rate_interval])) > 0)",
                    legend="{{recipe}}",
                )
            ],
            unit="percentunit",
            maximum=1,
            thresholds=above(0.05),
            alerts=["FlawgateInspectionLatencyBudgetBurn"],
        ),
    ],
)

BOARD = Board(
    name="objectives",
    title="objectives",
    description="How much may still go wrong this month, and how fast is that used up?",
    rows=[VERDICTS, IN_TIME],
    since="now-6h",
)

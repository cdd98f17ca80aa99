"""The board of a shift lead: parts, rejects, and frames that nobody judged."""

from monitoring.grafana.boards.board import Board, Row, Variable
from monitoring.grafana.boards.kinds import Graph, HeatMap, Number, Table
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import RATE, SHOWN, counted, named, per_minute, seen, share
from monitoring.grafana.boards.running import DEPENDENCIES, SERVICES
from monitoring.grafana.boards.style import EVALUATIONS, States, above, runbook_url

INSPECTIONS = "flawgate_inspections_total"
WHERE = '{recipe=~"$recipe", station=~"$station"}'
REJECTED = '{recipe=~"$recipe", station=~"$station", evaluation="NOT_OK"}'
UNDECIDED = '{recipe=~"$recipe", station=~"$station", evaluation="NOT_DECIDABLE"}'
QUARTER = "[15m]"
"""Long enough for a share of parts that come once a second."""


def _share_of(evaluation: str) -> str:
    return share(f"sum(increase({INSPECTIONS}{evaluation}{SHOWN}))", f"sum(increase({INSPECTIONS}{WHERE}{SHOWN}))")


def _rejected_by(label: str) -> str:
    return share(
        f"sum by ({label}) (increase({INSPECTIONS}{REJECTED}{QUARTER}))",
        f"sum by ({label}) (increase({INSPECTIONS}{WHERE}{QUARTER}))",
    )


NOW = Row(
    "Now, and over the time shown",
    [
        Number(
            title="Can the line be inspected now?",
            description="Whether a gateway answers `/readyz` with 200. If not: **Models and golden frames** says "
            "which recipe is not trusted, **Sinks and archive** which dependency is away.",
            queries=[Query(expr="max(flawgate_ready)")],
            states=States("yes", "no"),
            alerts=["FlawgateNotReady"],
        ),
        Number(
            title="How many parts a minute?",
            description="Inspections answered, of the last minutes. 0 while parts pass: look at **Cameras**.",
            queries=[Query(expr=f"60 * sum(rate({INSPECTIONS}{WHERE}{RATE}))")],
            unit="suffix:/min",
            decimals=1,
        ),
        Number(
            title="How many parts were inspected?",
            description="All evaluations, within the time that the board shows.",
            queries=[Query(expr=f"sum(increase({INSPECTIONS}{WHERE}{SHOWN}))")],
            decimals=0,
        ),
        Number(
            title="What share was rejected?",
            description="NOT_OK among all parts, within the time shown. More than the process usually gives: look at "
            "the parts first, then at the drift of pictures on **Models and golden frames**.",
            queries=[Query(expr=_share_of(REJECTED))],
            unit="percentunit",
            decimals=1,
            alerts=["FlawgateRejectRateShift"],
        ),
        Number(
            title="What share got no verdict?",
            description="NOT_DECIDABLE among all parts. Each must be looked at by a person: none is OK by default.",
            queries=[Query(expr=_share_of(UNDECIDED))],
            unit="percentunit",
            decimals=1,
            thresholds=above(0.05, warning=0.01, lines=False),
            alerts=["FlawgateNotDecidableRatioHigh"],
        ),
        Number(
            title="How many alerts fire?",
            description="Each is in the table below, with its runbook.",
            queries=[Query(expr='count(ALERTS{alertstate="firing", alertname!="Watchdog"}) or vector(0)')],
            decimals=0,
            thresholds=above(1, lines=False),
        ),
    ],
)

PARTS = Row(
    "Parts",
    [
        Graph(
            title="How many parts a minute are inspected, by evaluation?",
            description="The height is the line's pace. Orange parts must be looked at by a person.",
            queries=[Query(expr=per_minute(INSPECTIONS, "evaluation", WHERE), legend="{{evaluation}}")],
            unit="suffix:/min",
            stacked=True,
            colours=EVALUATIONS,
        ),
        Graph(
            title="How many parts a minute are rejected, by recipe?",
            description="NOT_OK. A step up in one recipe only points at its parts, its lamp or its model.",
            queries=[Query(expr=per_minute(INSPECTIONS, "recipe", REJECTED), legend="{{recipe}}")],
            unit="suffix:/min",
            alerts=["FlawgateRejectRateShift"],
        ),
        Graph(
            title="What share of the parts is rejected, by station?",
            description="NOT_OK among all parts of a station in 15 minutes. One station apart from the others with "
            "the same recipe: its light or its optics, rather than the parts.",
            queries=[Query(expr=named(_rejected_by("station"), "station", "no station"), legend="{{station}}")],
            unit="percentunit",
            maximum=1,
            alerts=["FlawgateRejectRateShift"],
        ),
        Graph(
            title="What share of the parts is rejected, by recipe?",
            description="NOT_OK among all parts of a recipe in 15 minutes. Compare with the usual level of the same "
            "shift.",
            queries=[Query(expr=_rejected_by("recipe"), legend="{{recipe}}")],
            unit="percentunit",
            maximum=1,
            alerts=["FlawgateRejectRateShift"],
        ),
        HeatMap(
            title="How do the scores lie around the threshold?",
            description="Two bands, one near 0 and one near 1, are a model that knows. Scores that gather around the "
            "threshold (0.9, unless the policy says otherwise) mean that parts or light have changed: "
            "look at the drift.",
            queries=[
                Query(
                    expr=f'sum by (le) (rate(flawgate_inspection_score_ratio_bucket{{recipe=~"$recipe"}}{RATE}))',
                    legend="{{le}}",
                )
            ],
            alerts=["FlawgateInputDrift"],
        ),
        Graph(
            title="How many parts wait for a person?",
            description="Parts whose review is due. It grows through a shift where nobody reviews; `docs/policies.md`.",
            queries=[Query(expr="max(flawgate_review_queue_size)", legend="waiting for a review")],
            decimals=0,
        ),
    ],
)

NO_VERDICT = Row(
    "Parts without a verdict",
    [
        Graph(
            title="Why do parts get no verdict?",
            nothing="every part got a verdict",
            description="NOT_DECIDABLE by reason. GOLDEN_CHECK_FAILED: the models cannot be trusted, stop the line or "
            "judge by eye. Others: `docs/api.md` says what each reason means.",
            queries=[Query(expr=seen(INSPECTIONS, "reason", UNDECIDED), legend="{{reason}}")],
            unit="suffix:/min",
            stacked=True,
            alerts=["FlawgateNotDecidableRatioHigh", "FlawgateGoldenCheckFailed"],
        ),
        Graph(
            title="Which inspections failed, and whose fault was it?",
            nothing="none failed",
            description="No evaluation came of these. Fault `service` is ours and burns the error budget; fault "
            "`client` is a bad picture, an unknown recipe, or a key that is not good.",
            queries=[
                Query(
                    expr=seen("flawgate_inspection_failures_total", "fault, reason"),
                    legend="{{fault}}: {{reason}}",
                )
            ],
            unit="suffix:/min",
            stacked=True,
            colours={"/^client/": "blue", "/^service/": "red"},
            alerts=["FlawgateInspectionErrorBudgetBurn"],
        ),
        Graph(
            title="How many frames did nobody inspect, and why?",
            nothing="every frame was inspected",
            description="Frames within gaps of the cameras' streams, as they went on record, by cause. Any number "
            "above 0 is parts that passed unjudged: find them with `GET /v1/streams`.",
            queries=[Query(expr=counted("flawgate_gap_frames_total", "cause"), legend="{{cause}}")],
            decimals=0,
            alerts=["FlawgateFramesDropped"],
        ),
        Table(
            title="Which alerts fire?",
            nothing="none",
            height=8,
            description="A click on a name opens its runbook.",
            queries=[Query(expr='max by (alertname, severity) (ALERTS{alertstate="firing", alertname!="Watchdog"})')],
            columns={"alertname": "Alert", "severity": "Severity"},
            links={"Alert": runbook_url("${__value.raw}")},
        ),
    ],
)

BOARD = Board(
    name="line",
    title="line overview",
    description="Is the line inspected, what comes of its parts, and which parts got no verdict?",
    variables=[Variable("station", INSPECTIONS), Variable("recipe", INSPECTIONS)],
    rows=[NOW, PARTS, NO_VERDICT, Row("Does everything run?", [SERVICES, DEPENDENCIES])],
)

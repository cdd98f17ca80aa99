"""The board of an SRE who looks for a slow stage."""

from monitoring.grafana.boards.board import Board, Row, Variable
from monitoring.grafana.boards.kinds import Graph, HeatMap, Number
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import RATE, per_minute, quantile, seen
from monitoring.grafana.boards.style import above, below

DURATION = "flawgate_inspection_duration_seconds"
STAGE = "flawgate_stage_duration_seconds"
WHERE = '{recipe=~"$recipe"}'
CALLS = '{method!~".*/(InspectStream|Watch.*)"}'
"""Calls that end with their answer: a stream lasts for as long as its camera."""
LIMIT = above(1.0, lines=True)
FRAMES = f"(sum(rate({DURATION}_count{RATE})) > 0)"


def _stages(*names: str) -> str:
    """Seconds a second that stages take, all together."""
    return f'(sum(rate({STAGE}_sum{{stage=~"{"|".join(names)}"}}{RATE})) or vector(0))'


def _per_frame(seconds: str) -> str:
    return f"clamp_min({seconds}, 0) / {FRAMES}"


def _beyond(outer: str, *inner: str) -> str:
    """What a stage takes beyond the stages within it: the hop to another service, and the wait for it."""
    return _per_frame(f"({_stages(outer)} - {_stages(*inner)})")


OUTER = ("wait", "preprocess", "decide", "archive", "record")
BUDGET = {
    "wait for a turn": _per_frame(_stages("wait")),
    "hop to preprocessing": _beyond("preprocess", "decode", "steps"),
    "decode": _per_frame(_stages("decode")),
    "pre-processing steps": _per_frame(_stages("steps")),
    "hop to decision": _beyond("decide", "infer", "policy"),
    "infer (Triton)": _per_frame(_stages("infer")),
    "policy and defects": _per_frame(_stages("policy")),
    "archive": _per_frame(_stages("archive")),
    "record": _per_frame(_stages("record")),
    "the rest of the gateway": _per_frame(f"(sum(rate({DURATION}_sum{RATE})) - {_stages(*OUTER)})"),
}

OBJECTIVE = Row(
    "Is it fast enough?",
    [
        Number(
            title="What share is answered within 1 s?",
            description="The objective is 95 % over 30 days. Below it: go on to the budget by stage.",
            queries=[
                Query(
                    expr=f'sum(rate({DURATION}_bucket{{recipe=~"$recipe", le="1.0"}}{RATE})) / '
                    f"(sum(rate({DURATION}_count{WHERE}{RATE})) > 0)"
                )
            ],
            unit="percentunit",
            decimals=1,
            maximum=1,
            thresholds=below(0.95),
            width=6,
            alerts=["FlawgateInspectionLatencyBudgetBurn"],
        ),
        *(
            Number(
                title=f"Within which time are {percent} % answered?",
                description=f"Percentile {percent} of the last minutes; read off the buckets of a histogram, so it is "
                "as exact as these are narrow.",
                queries=[Query(expr=quantile(percent / 100, DURATION, where=WHERE))],
                unit="s",
                thresholds=above(1, warning=0.75, lines=False),
                width=6,
            )
            for percent in (50, 95, 99)
        ),
        Graph(
            title="How long does an inspection take, by percentile?",
            description="From the first byte of a frame to its evaluation. The dashed line is the objective. Points "
            "are single inspections with a trace: click one to see its spans.",
            queries=[
                Query(
                    expr=quantile(percent / 100, DURATION, where=WHERE),
                    legend=f"{percent} %",
                    exemplars=percent == 95,
                )
                for percent in (50, 95, 99)
            ],
            unit="s",
            thresholds=LIMIT,
            ranked=False,
            alerts=["FlawgateInspectionLatencyBudgetBurn"],
        ),
        HeatMap(
            title="How do the times of inspections lie?",
            description="One band is a steady line. Two bands: two kinds of frames, or a stage that is slow now and "
            "then. A band that climbs: something fills up.",
            queries=[Query(expr=f"sum by (le) (rate({DURATION}_bucket{WHERE}{RATE}))", legend="{{le}}")],
            unit="s",
        ),
    ],
)

BUDGETS = Row(
    "Where does the time go? (all recipes together)",
    [
        Graph(
            title="Which stage takes the time of a frame?",
            description="Means, which add up to the mean time of an inspection. Find the layer that has grown. wait: "
            "more frames come than are answered. hop: the service beside it is short of CPU or the "
            "network is slow. infer: see **Triton and GPU**. archive, record: see **Sinks and archive**.",
            queries=[Query(expr=expr, legend=legend) for legend, expr in BUDGET.items()],
            unit="s",
            stacked=True,
            ranked=False,
            width=24,
            height=10,
            alerts=["FlawgateInspectionLatencyBudgetBurn"],
        ),
        Graph(
            title="How slow is each stage for the slowest 5 %?",
            description="Percentile 95 by stage; 2.5 s stands for all above it. A stage that is fast on average and "
            "slow here stumbles now and then: look for what happens beside it at those times.",
            queries=[Query(expr=quantile(0.95, STAGE, "stage"), legend="{{stage}}")],
            unit="s",
        ),
        Graph(
            title="How long does each call between services take?",
            description="Percentile 95 by gRPC method, as its server measures it. Much less than the gateway's stage "
            "of the same name: the time is lost on the way.",
            queries=[Query(expr=quantile(0.95, "flawgate_rpc_duration_seconds", "method", CALLS), legend="{{method}}")],
            unit="s",
        ),
    ],
)

PRESSURE = Row(
    "Does more come than can be answered?",
    [
        Graph(
            title="How many frames wait for their turn?",
            description="A queue that stays means that the cluster is too small for the line, or that a stage became "
            "slow.",
            queries=[
                Query(expr=f"sum by (recipe) (flawgate_admission_waiting_frames{WHERE})", legend="{{recipe}}: waiting"),
                Query(expr="sum(flawgate_inspections_in_progress)", legend="being worked on, all recipes"),
            ],
            decimals=0,
            alerts=["FlawgateAdmissionRejecting"],
        ),
        Graph(
            title="How many frames are refused at the door, and why?",
            description="queue_full, too_many: add capacity or slow the line. deadline_unreachable: the caller's "
            "deadline is shorter than the queue.",
            queries=[Query(expr=per_minute("flawgate_admission_rejected_total", "reason"), legend="{{reason}}")],
            unit="suffix:/min",
            stacked=True,
            alerts=["FlawgateAdmissionRejecting"],
        ),
        Graph(
            title="How are HTTP requests answered, by code?",
            description="5xx is our fault; 429 says that the gateway sends callers away; 4xx is for whoever wrote the "
            "call.",
            queries=[Query(expr=seen("flawgate_http_requests_total", "code"), legend="{{code}}")],
            colours={"/^2/": "green", "/^4/": "orange", "/^5/": "red"},
            unit="suffix:/min",
            stacked=True,
        ),
        Graph(
            title="How long does each HTTP route take?",
            description="Percentile 95 by route. Slow reads (`GET`) with fast inspections: the database of records.",
            queries=[
                Query(
                    expr=quantile(0.95, "flawgate_http_request_duration_seconds", "method, route"),
                    legend="{{method}} {{route}}",
                )
            ],
            unit="s",
        ),
    ],
)

PROCESSES = Row(
    "Is a process short of something?",
    [
        Graph(
            title="How many CPU cores does each service use?",
            description="One core, and no more, for long: a service of one process is at its end; run a second one. "
            "Triton's is on **Triton and GPU**.",
            queries=[Query(expr="sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))", legend="{{job}}")],
            decimals=2,
        ),
        Graph(
            title="How much memory does each service hold?",
            description="A line that climbs through days is a leak: keep the graph, restart that service, tell us.",
            queries=[Query(expr="sum by (job) (process_resident_memory_bytes)", legend="{{job}}")],
            unit="bytes",
        ),
        Graph(
            title="How often did services start anew?",
            nothing="none did",
            description="Starts within the time shown. More than you know of: read that service's log from its end.",
            queries=[Query(expr="sum by (job) (changes(process_start_time_seconds[$__range])) > 0", legend="{{job}}")],
            decimals=0,
        ),
        Graph(
            title="Which gRPC calls fail?",
            nothing="none",
            description="Calls that did not end with OK, by method and code.",
            queries=[
                Query(
                    expr=seen("flawgate_rpc_requests_total", "method, code", '{code!="OK"}'),
                    legend="{{method}}: {{code}}",
                )
            ],
            unit="suffix:/min",
        ),
    ],
)

BOARD = Board(
    name="latency",
    title="latency budget",
    description="Is it fast enough, and if not, which stage takes the time?",
    variables=[Variable("recipe", f"{DURATION}_count")],
    rows=[OBJECTIVE, BUDGETS, PRESSURE, PROCESSES],
)

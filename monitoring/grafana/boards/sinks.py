"""The board of what is kept and passed on: records, pictures, events."""

from dataclasses import replace

from monitoring.grafana.boards.board import Board, Row, Variable
from monitoring.grafana.boards.kinds import Graph, Number
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import counted, per_minute, seen
from monitoring.grafana.boards.running import DEPENDENCIES
from monitoring.grafana.boards.style import EVALUATIONS, above

WHERE = '{sink=~"$sink"}'
EVENTS = Row(
    "Do the MES and the others hear of every part?",
    [
        Number(
            title="How long has the oldest event waited?",
            description="Of all sinks. Minutes: a sink does not answer. Nothing is lost: events wait for as long as "
            "it takes.",
            queries=[Query(expr=f"max(flawgate_outbox_oldest_age_seconds{WHERE})")],
            unit="s",
            thresholds=above(3600, warning=600, lines=False),
            alerts=["FlawgateOutboxStalled"],
            width=8,
        ),
        Number(
            title="How many events wait?",
            description="Of all sinks together; each event once by sink that has not taken it.",
            queries=[Query(expr=f"sum(flawgate_outbox_pending{WHERE})")],
            decimals=0,
            alerts=["FlawgateOutboxStalled"],
            width=8,
        ),
        Number(
            title="How many events were given up?",
            description="Within the time shown. The MES never heard of these parts: `flawgate outbox dead-letters` "
            "lists them, `flawgate outbox replay` sends them again.",
            queries=[
                Query(expr='sum(increase(flawgate_sink_deliveries_total{sink=~"$sink", result="dead"}[$__range]))')
            ],
            decimals=0,
            thresholds=above(1, lines=False),
            alerts=["FlawgateSinkDead"],
            width=8,
        ),
        Graph(
            title="How many events wait, by sink?",
            nothing="no sink is configured",
            description="A line that climbs: the sink is away, or slower than the line.",
            queries=[Query(expr=f"max by (sink) (flawgate_outbox_pending{WHERE})", legend="{{sink}}")],
            decimals=0,
            alerts=["FlawgateOutboxStalled"],
        ),
        Graph(
            title="How long has the oldest event of each sink waited?",
            nothing="no sink is configured",
            description="It climbs one second a second while a sink is stalled, and falls to 0 when it is empty.",
            queries=[Query(expr=f"max by (sink) (flawgate_outbox_oldest_age_seconds{WHERE})", legend="{{sink}}")],
            unit="s",
            alerts=["FlawgateOutboxStalled"],
        ),
        Graph(
            title="What comes of each try to deliver?",
            nothing="nothing was to be delivered",
            description="unreachable: no connection, or 429, 502, 503, 504; all events of the sink wait. refused: it "
            "answered otherwise, or too late, and did not take this event. dead: given up after its "
            "tries. The gateway's log and `flawgate outbox status` say what it answered.",
            queries=[
                Query(
                    expr=seen("flawgate_sink_deliveries_total", "sink, result", WHERE),
                    legend="{{sink}}: {{result}}",
                )
            ],
            unit="suffix:/min",
            width=24,
        ),
    ],
)

PICTURES = Row(
    "Are the pictures kept?",
    [
        Graph(
            title="How full is the archive of pictures?",
            description="From the limit on, pictures of good parts are no longer kept, and the oldest of them go.",
            queries=[
                Query(expr="max(flawgate_pictures_held_bytes)", legend="held"),
                Query(expr="min(flawgate_pictures_max_bytes)", legend="limit"),
            ],
            unit="bytes",
            colours={"limit": "red"},
            alerts=["FlawgateArchiveFull"],
        ),
        Graph(
            title="Which operations of the archive fail?",
            nothing="none failed",
            description="Within the time shown. put: inspections are answered with 503. purge: it fills up.",
            queries=[Query(expr=counted("flawgate_pictures_failures_total", "operation"), legend="{{operation}}")],
            decimals=0,
            alerts=["FlawgateArchiveFailing"],
        ),
        Graph(
            title="How many parts' pictures are kept, by evaluation?",
            description="All of NOT_OK and NOT_DECIDABLE; of OK as many as the setting says.",
            queries=[Query(expr=per_minute("flawgate_pictures_kept_total", "evaluation"), legend="{{evaluation}}")],
            unit="suffix:/min",
            stacked=True,
            colours=EVALUATIONS,
        ),
        Graph(
            title="How many good parts' pictures are not kept, and why?",
            description="sampling: as set. full: make room, or raise GATEWAY_ARCHIVE_MAX_BYTES.",
            queries=[Query(expr=per_minute("flawgate_pictures_skipped_total", "cause"), legend="{{cause}}")],
            unit="suffix:/min",
            stacked=True,
        ),
        Graph(
            title="How fast does the archive grow and shrink?",
            description="Bytes written, and bytes deleted since their time is over. Written at this rate it is full "
            "in (limit − held) ÷ (written − deleted).",
            queries=[
                Query(expr="sum(rate(flawgate_pictures_kept_bytes_total[$__rate_interval]))", legend="written"),
                Query(expr="sum(rate(flawgate_pictures_purged_bytes_total[$__rate_interval]))", legend="deleted"),
            ],
            unit="Bps",
        ),
        Graph(
            title="How long ago did the last purge end?",
            description="It comes every ten minutes, unless set otherwise. Older: the log of the gateway says why.",
            queries=[Query(expr="time() - max(flawgate_pictures_last_purge_timestamp_seconds)", legend="last purge")],
            unit="s",
        ),
    ],
)

BOARD = Board(
    name="sinks",
    title="sinks and archive",
    description="Is every part on record, are its pictures kept, and did the MES hear of it?",
    variables=[Variable("sink", "flawgate_outbox_pending")],
    rows=[Row("Is what the gateway needs there?", [replace(DEPENDENCIES, width=24, height=6)]), EVENTS, PICTURES],
)

"""The board of whoever looks after cameras."""

from monitoring.grafana.boards.board import Board, Row, Variable
from monitoring.grafana.boards.kinds import Graph, Number, Timeline
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import counted, per_minute, quantile
from monitoring.grafana.boards.style import EVALUATIONS, States, above

WHERE = '{camera=~"$camera"}'

STATE = Row(
    "Do the cameras work?",
    [
        Number(
            title="How many cameras give no pictures?",
            description="Cameras that are configured but down. Look at power, cable and light, then at the agent's "
            "log.",
            queries=[Query(expr=f"count(flawgate_camera_up{WHERE} == 0) or 0 * count(flawgate_camera_up{WHERE})")],
            decimals=0,
            thresholds=above(1, lines=False),
            alerts=["FlawgateCameraDown"],
            width=6,
        ),
        Number(
            title="How many are cut off from the gateway?",
            description="Their frames wait on disk and are judged later, in order. Look at the network between them.",
            queries=[
                Query(
                    expr=f"count(flawgate_camera_connected{WHERE} == 0) or 0 * count(flawgate_camera_connected{WHERE})"
                )
            ],
            decimals=0,
            thresholds=above(1, lines=False),
            alerts=["FlawgateSpoolGrowing"],
            width=6,
        ),
        Number(
            title="How many frames were dropped?",
            description="Parts that nobody judged, within the time shown. The graph by cause below says why.",
            queries=[Query(expr=f"sum(increase(flawgate_frames_dropped_total{WHERE}[$__range])) or vector(0)")],
            decimals=0,
            thresholds=above(1, lines=False),
            alerts=["FlawgateFramesDropped"],
            width=6,
        ),
        Number(
            title="How many frames wait for an answer?",
            description="Of all cameras: on their way, or on disk. Many for long: the gateway is away, or too slow "
            "for the line.",
            queries=[Query(expr=f"sum(flawgate_camera_unsettled_frames{WHERE})")],
            decimals=0,
            alerts=["FlawgateSpoolGrowing"],
            width=6,
        ),
        Timeline(
            title="Which cameras give usable pictures?",
            description="Red: none has come yet, or none that can be used. **Why do cameras fail?** below has the "
            "cause.",
            queries=[Query(expr=f"min by (camera) (flawgate_camera_up{WHERE})", legend="{{camera}}")],
            states=States("gives pictures", "does not"),
            alerts=["FlawgateCameraDown"],
        ),
        Timeline(
            title="Which cameras are connected to the gateway?",
            description="Red: frames wait on disk until the stream stands again.",
            queries=[Query(expr=f"min by (camera) (flawgate_camera_connected{WHERE})", legend="{{camera}}")],
            states=States("connected", "cut off"),
        ),
    ],
)

FRAMES = Row(
    "Does every part get its frame?",
    [
        Graph(
            title="How many frames a minute does each camera take?",
            description="The line's pace. One camera below its neighbours misses triggers or pictures.",
            queries=[Query(expr=per_minute("flawgate_camera_frames_total", "camera", WHERE), legend="{{camera}}")],
            unit="suffix:/min",
        ),
        Graph(
            title="How long ago did each camera take its last frame?",
            description="A line that climbs while parts pass is a silent camera: look at its trigger first.",
            queries=[
                Query(
                    expr=f"time() - max by (camera) (flawgate_camera_last_frame_timestamp_seconds{WHERE} > 0)",
                    legend="{{camera}}",
                )
            ],
            unit="s",
            alerts=["FlawgateCameraSilent"],
        ),
        Graph(
            title="How many frames were dropped, and why?",
            nothing="none was dropped",
            description="Within the time shown, by cause; `docs/cameras.md` says what to change for each. Never 0 by "
            "luck: each dropped frame is a part that nobody judged.",
            queries=[
                Query(
                    expr=counted("flawgate_frames_dropped_total", "camera, cause", WHERE),
                    legend="{{camera}}: {{cause}}",
                )
            ],
            decimals=0,
            alerts=["FlawgateFramesDropped"],
        ),
        Graph(
            title="How many pictures came too late to be looked at?",
            description="Pictures of an RTSP camera that the agent could not keep pace with. Lower the camera's frame "
            "rate, or give the agent a faster computer.",
            queries=[
                Query(
                    expr=per_minute("flawgate_camera_pictures_passed_over_total", "camera", WHERE),
                    legend="{{camera}}",
                )
            ],
            unit="suffix:/min",
        ),
        Graph(
            title="What becomes of the triggers?",
            nothing="no camera has a trigger of the network",
            description="missed, busy: the parts come faster than the camera takes pictures. refused: see the agent's "
            "log.",
            queries=[
                Query(
                    expr=per_minute("flawgate_camera_triggers_total", "camera, fate", WHERE),
                    legend="{{camera}}: {{fate}}",
                )
            ],
            unit="suffix:/min",
        ),
        Graph(
            title="Why do cameras fail?",
            nothing="none failed",
            description="Failures within the time shown, by cause. `flawgate camera check` tries one by hand.",
            queries=[
                Query(
                    expr=counted("flawgate_camera_failures_total", "camera, cause", WHERE),
                    legend="{{camera}}: {{cause}}",
                )
            ],
            decimals=0,
            alerts=["FlawgateCameraDown"],
        ),
    ],
)

RESULTS = Row(
    "Do the results come in time?",
    [
        Graph(
            title="How old is a frame when its result comes?",
            description="Percentile 95, from the capture to the result. It must stay below the time that a part takes "
            "to the ejector; after an outage it is high until the spool is empty.",
            queries=[
                Query(
                    expr=quantile(0.95, "flawgate_inspection_frame_age_seconds", "camera", WHERE), legend="{{camera}}"
                )
            ],
            unit="s",
        ),
        Graph(
            title="What comes of the frames, by evaluation?",
            description="Results as the agents got them. Fewer than frames taken: the rest waits or was dropped.",
            queries=[
                Query(
                    expr=per_minute("flawgate_camera_results_total", "evaluation", WHERE),
                    legend="{{evaluation}}",
                )
            ],
            unit="suffix:/min",
            stacked=True,
            colours=EVALUATIONS,
        ),
        Graph(
            title="How many frames have no answer yet?",
            description="On their way, or on disk. It falls back to a few after an outage.",
            queries=[
                Query(expr=f"sum by (camera) (flawgate_camera_unsettled_frames{WHERE})", legend="{{camera}}"),
            ],
            decimals=0,
            width=8,
            alerts=["FlawgateSpoolGrowing"],
        ),
        Graph(
            title="How old is the oldest frame on disk?",
            description="0 where none waits. It grows as long as the gateway cannot be reached.",
            queries=[
                Query(expr=f"max by (camera) (flawgate_camera_spool_oldest_age_seconds{WHERE})", legend="{{camera}}")
            ],
            unit="s",
            thresholds=above(1800, warning=300),
            width=8,
            alerts=["FlawgateSpoolGrowing"],
        ),
        Graph(
            title="How many bytes do the spools hold?",
            description="On disk, with the frames that are settled and go with their file: some megabytes stay. It "
            "grows while the gateway is away, up to its limit; from there on frames are dropped.",
            queries=[Query(expr=f"max by (camera) (flawgate_camera_spool_bytes{WHERE})", legend="{{camera}}")],
            unit="bytes",
            width=8,
            alerts=["FlawgateSpoolGrowing"],
        ),
        Timeline(
            title="Which lamps, horns and interlocks are on?",
            nothing="no camera has an alarm",
            description="Alarms of the agents, `docs/alarms.md`.",
            queries=[
                Query(expr=f"max by (camera, alarm) (flawgate_camera_alarm_on{WHERE})", legend="{{camera}}: {{alarm}}")
            ],
            states=States("on", "off", "red", "green"),
        ),
        Graph(
            title="Which alarms could not be shown?",
            nothing="all could be shown",
            description="Tries that failed, within the time shown. Somebody at the line does not see a lamp: look at "
            "once.",
            queries=[
                Query(
                    expr=counted(
                        "flawgate_camera_alarm_actions_total", "camera, alarm", '{camera=~"$camera", result="failed"}'
                    ),
                    legend="{{camera}}: {{alarm}}",
                )
            ],
            decimals=0,
            thresholds=above(1, lines=False),
        ),
    ],
)

BOARD = Board(
    name="cameras",
    title="cameras",
    description="Does every part get its frame, and every frame its result in time?",
    variables=[Variable("camera", "flawgate_camera_up")],
    rows=[STATE, FRAMES, RESULTS],
)

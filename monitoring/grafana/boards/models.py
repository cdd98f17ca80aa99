"""The board of whoever answers for the models: which serve, and whether they can be trusted."""

from monitoring.grafana.boards.board import Board, Row, Variable
from monitoring.grafana.boards.kinds import Graph, Number, Table, Timeline
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import counted
from monitoring.grafana.boards.style import States, above
from monitoring.grafana.boards.variants import VARIANTS

WHERE = '{recipe=~"$recipe"}'
DRIFT = above(0.25, warning=0.1)

TRUST = Row(
    "Can the models be trusted?",
    [
        Number(
            title="How many recipes cannot be used?",
            description="Recipes whose models are not loaded, or fail their golden frames. Their parts get no verdict.",
            queries=[Query(expr=f"count(min by (recipe) (flawgate_recipe_ready{WHERE}) == 0) or vector(0)")],
            decimals=0,
            thresholds=above(1, lines=False),
            alerts=["FlawgateGoldenCheckFailed"],
            width=6,
        ),
        Number(
            title="Does the model server answer?",
            description="Triton, or ONNX Runtime within decision. If not: **Triton and GPU**, then Triton's log.",
            queries=[Query(expr="min(flawgate_model_server_up)")],
            states=States("yes", "no"),
            alerts=["FlawgateModelServerDown"],
            width=6,
        ),
        Number(
            title="How old is the oldest golden check?",
            description="A check comes every minute, unless set otherwise. An old one proves nothing.",
            queries=[Query(expr=f"max(time() - flawgate_golden_last_run_timestamp_seconds{WHERE})")],
            unit="s",
            thresholds=above(300, warning=150, lines=False),
            alerts=["FlawgateGoldenCheckStale"],
            width=6,
        ),
        Number(
            title="Do all services run one version?",
            description="How many versions of the services run at once; 1, but for the minutes of a change of "
            "versions.",
            queries=[Query(expr="count(count by (version) (flawgate_build_info))")],
            decimals=0,
            thresholds=above(2, lines=False),
            alerts=["FlawgateVersionSkew"],
            width=6,
        ),
        Timeline(
            title="Which recipes can be used?",
            description="Red: models not loaded, or not trusted. `GET /v1/recipes` says why in words.",
            queries=[Query(expr=f"min by (recipe) (flawgate_recipe_ready{WHERE})", legend="{{recipe}}")],
            states=States("can be used", "cannot"),
        ),
        Timeline(
            title="Which recipes pass their golden frames?",
            description="Red: a model judges a known frame otherwise than on the day of its export. The recipe's "
            "answers are NOT_DECIDABLE until it is put right: take the last version back with `flawgate "
            "models rollback`.",
            queries=[Query(expr=f"min by (recipe) (flawgate_golden_check_passed{WHERE})", legend="{{recipe}}")],
            states=States("passed", "failed"),
            alerts=["FlawgateGoldenCheckFailed"],
        ),
    ],
)

GOLDEN = Row(
    "Golden frames",
    [
        Graph(
            title="How long ago were golden frames checked?",
            description="A saw-tooth below the interval of the checks. A line that climbs: checks do not come to an "
            "end.",
            queries=[
                Query(
                    expr=f"time() - min by (recipe) (flawgate_golden_last_run_timestamp_seconds{WHERE})",
                    legend="{{recipe}}",
                )
            ],
            unit="s",
            thresholds=above(300),
            alerts=["FlawgateGoldenCheckStale"],
        ),
        Graph(
            title="How far do scores stray from the golden ones?",
            description="Largest difference of a score at the last check, 0 to 1. Other hardware strays by 0.001 or "
            "so; a step up without a new version means that the model server computes wrongly.",
            queries=[
                Query(expr=f"max by (recipe) (flawgate_golden_largest_difference_ratio{WHERE})", legend="{{recipe}}")
            ],
        ),
        Graph(
            title="How did the golden checks end?",
            description="Within the time shown. error: the check itself did not come to a verdict, e.g. since Triton "
            "was away.",
            queries=[
                Query(
                    expr=counted("flawgate_golden_checks_total", "recipe, result", WHERE),
                    legend="{{recipe}}: {{result}}",
                )
            ],
            decimals=0,
        ),
        Table(
            title="How many golden frames are at hand?",
            description="missing: frames of a data set that do not lie in DECISION_GOLDEN_FRAMES; they are not "
            "checked.",
            queries=[Query(expr=f"max by (recipe, state) (flawgate_golden_frames{WHERE})")],
            columns={"recipe": "Recipe", "state": "State", "Value": "Frames"},
        ),
    ],
)

VERSIONS = Row(
    "What serves?",
    [
        Table(
            title="Which models serve, in which version?",
            description="The digest is that of the ONNX file, as the model card and every record name it. Two "
            "versions of one model: a change of versions that did not come to an end.",
            queries=[
                Query(
                    expr='count by (model, version, precision, sha256) (flawgate_model_info{model=~"$model"})',
                )
            ],
            columns={
                "model": "Model",
                "version": "Version",
                "precision": "Precision",
                "sha256": "SHA-256",
                "Value": "Decision services",
            },
            alerts=["FlawgateModelVersionSkew"],
            width=24,
        ),
        Table(
            title="Which recipe stands in which version?",
            description="As the decision services say. Two versions of one recipe: see the runbook.",
            queries=[Query(expr=f"count by (recipe, version) (flawgate_recipe_info{WHERE})")],
            columns={"recipe": "Recipe", "version": "Version", "Value": "Decision services"},
            alerts=["FlawgateModelVersionSkew"],
            width=8,
        ),
        Table(
            title="Which policy is in force?",
            description="`GET /v1/policies` shows who activated it, and when.",
            queries=[Query(expr=f"count by (recipe, policy) (flawgate_policy_info{WHERE})")],
            columns={"recipe": "Recipe", "policy": "Policy", "Value": "Gateways"},
            width=8,
        ),
        Table(
            title="Which services run in which version?",
            description="One version everywhere, but for the minutes of a change of versions.",
            queries=[Query(expr="count by (service, version, commit) (flawgate_build_info)")],
            columns={"service": "Service", "version": "Version", "commit": "Commit", "Value": "Processes"},
            alerts=["FlawgateVersionSkew"],
            width=8,
        ),
        Graph(
            title="How long ago was each model loaded?",
            description="A line that falls to 0 is a new version, or a model server that came back. More often than "
            "you know of: Triton restarts, read its log.",
            queries=[
                Query(
                    expr='time() - min by (model) (flawgate_model_last_load_timestamp_seconds{model=~"$model"})',
                    legend="{{model}}",
                )
            ],
            unit="s",
            width=16,
        ),
        Graph(
            title="How long do the TLS certificates last?",
            nothing="no service has TLS files",
            description="Until the first certificate of each file that is in force ends. The runbook says how to renew "
            "one; no service is restarted for it.",
            queries=[
                Query(
                    expr="min by (job, file) (flawgate_certificate_expiry_timestamp_seconds) - time()",
                    legend="{{job}}: {{file}}",
                )
            ],
            unit="s",
            alerts=["FlawgateCertificateExpires"],
            width=8,
        ),
    ],
)

DRIFTED = Row(
    "Do the frames still look like those of the training?",
    [
        Graph(
            title="How far have scores and pictures drifted?",
            nothing="too few frames yet, or a model card without a reference",
            description="Population stability index of the last 500 frames against the model card's reference: below "
            "0.1 the same, above 0.25 another world. mean, dark_share, bright_share: look at the lamp; "
            "focus: look at the lens; score alone: look at the parts. Absent until 200 frames have come.",
            queries=[
                Query(expr=f"max by (recipe, feature) (flawgate_drift_psi{WHERE})", legend="{{recipe}}: {{feature}}")
            ],
            decimals=2,
            thresholds=DRIFT,
            alerts=["FlawgateInputDrift"],
        ),
        Graph(
            title="How many frames is the drift measured on?",
            nothing="too few frames yet, or a model card without a reference",
            description="At most 500 by gateway; nothing is said of drift below 200.",
            queries=[Query(expr=f"max by (recipe) (flawgate_drift_frames{WHERE})", legend="{{recipe}}")],
            decimals=0,
        ),
    ],
)

BOARD = Board(
    name="models",
    title="models and golden frames",
    description="Which models serve, can they be trusted, and do the frames still look like those of the training?",
    variables=[Variable("recipe", "flawgate_recipe_ready"), Variable("model", "flawgate_model_info")],
    rows=[TRUST, GOLDEN, VERSIONS, DRIFTED, VARIANTS],
)

"""The row that says whether a new version judges as the one in force: of the board `models`."""

from monitoring.grafana.boards.board import Row
from monitoring.grafana.boards.kinds import Graph
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import RATE, counted, per_minute, per_second, quantile, share

WHERE = '{recipe=~"$recipe"}'
NO_CANARY = "no canary is set, or it judged all of its parts"
NO_SHADOW = "no shadow is set"

_JUDGED = "flawgate_variant_inspections_total"
_REJECTED = '{recipe=~"$recipe", evaluation="NOT_OK"}'
_COMPARED = "flawgate_shadow_comparisons_total"
_DIFFERS = '{recipe=~"$recipe", result="differs"}'
_BOTH = '{recipe=~"$recipe", result=~"agrees|differs"}'
_BY = "recipe, variant"

VARIANTS = Row(
    "Does the canary judge as the stable one?",
    [
        Graph(
            title="How many parts does each variant reject?",
            description="Share of NOT_OK of what each has judged. canary: parts that it judged for good; shadow: parts "
            "of the stable variant that it judged for comparison. Lines that part for longer than a lot: look at the "
            "parts that differ before the share grows (docs/canary.md).",
            queries=[
                Query(
                    expr=share(per_second(_JUDGED, _BY, _REJECTED), per_second(_JUDGED, _BY, WHERE)),
                    legend="{{recipe}}: {{variant}}",
                )
            ],
            unit="percentunit",
        ),
        Graph(
            title="How many parts a minute does each variant judge?",
            description="The canary's line is its share; where it falls to 0, the next panel says why.",
            queries=[Query(expr=per_minute(_JUDGED, _BY, WHERE), legend="{{recipe}}: {{variant}}")],
            decimals=1,
        ),
        Graph(
            title="Why did the canary not judge?",
            description="Its frames that the stable variant judged, within the time shown. NO_TIME: the deadlines are "
            "too short for two; PAUSED: it was too slow a moment before; GOLDEN_CHECK_FAILED: end the canary.",
            nothing=NO_CANARY,
            queries=[
                Query(
                    expr=counted("flawgate_canary_fallbacks_total", "recipe, reason", WHERE),
                    legend="{{recipe}}: {{reason}}",
                )
            ],
            decimals=0,
        ),
        Graph(
            title="How often does the shadow differ?",
            description="Share of the comparisons in which its evaluation was another one. The log names each: the "
            "event `the shadow differs`.",
            nothing=NO_SHADOW,
            queries=[
                Query(
                    expr=share(
                        per_second(_COMPARED, "recipe", _DIFFERS),
                        per_second(_COMPARED, "recipe", _BOTH),
                    ),
                    legend="{{recipe}}",
                )
            ],
            unit="percentunit",
        ),
        Graph(
            title="How far are the shadow's scores from those answered?",
            description="p50 and p95 of the difference, 0 to 1. Another precision of the same model stays below the "
            "tolerance of golden frames; another model does not, and need not.",
            nothing=NO_SHADOW,
            queries=[
                Query(
                    expr=quantile(level, "flawgate_shadow_score_difference", "recipe", WHERE),
                    legend=f"{{{{recipe}}}}: p{level * 100:.0f}",
                )
                for level in (0.5, 0.95)
            ],
            decimals=3,
        ),
        Graph(
            title="How many comparisons came to nothing?",
            description="A minute. skipped: more frames than the shadow has room for, lower GATEWAY_SHADOW_SHARE; "
            "failed: it gave no answer, its log says why.",
            nothing=NO_SHADOW,
            queries=[
                Query(
                    expr=f'60 * sum by (recipe, result) (rate({_COMPARED}{{recipe=~"$recipe", '
                    f'result=~"failed|skipped"}}{RATE}))',
                    legend="{{recipe}}: {{result}}",
                )
            ],
            decimals=1,
        ),
    ],
)

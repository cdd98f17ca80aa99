"""What an installation can carry as it stands, and what breaks first."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flawgate_gateway.outbox.sinks import WebhookSink
from flawgate_gateway.settings import GatewaySettings
from scaling.capacity import (
    DAYS_A_YEAR,
    DECISION_CORES,
    GATEWAY_CORES,
    PREPROCESSING_CORES,
    UTILISATION,
    Line,
    kept_days,
)
from scaling.costs import Costs, RecipeCosts

AUTOSCALERS = Path("k8s/components/hpa/autoscalers.yaml")
SCALED_OBJECT = Path("k8s/components/keda/triton.yaml")

DATABASE_CORES = 8
"""Assumed: of the one PostgreSQL server."""
DATABASE_BYTES = 4e12
"""Assumed: of its volume; to be filled in a year."""
SINK_S = 0.02
"""Assumed: what a sink takes to answer one event."""
LINK_GBIT_S = 10.0
"""Assumed: of the node of one gateway, of one GPU."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One thing that is full some time."""

    what: str
    frames_per_s: float
    """At which it is."""
    carried_by: str
    """What helps."""
    exists: bool
    """Whether that is a matter of settings or overlays, or not built."""

    def lines(self, line: Line) -> int:
        """How many it carries."""
        return int(self.frames_per_s / line.frames_per_s)


def most_replicas() -> dict[str, int]:
    """Deployment → pods, as far as the autoscalers of the overlay `plant` go."""
    found: dict[str, int] = {}
    documents: list[Mapping[str, Any]] = list(yaml.safe_load_all(AUTOSCALERS.read_text("utf-8")))
    for document in documents:
        found[document["spec"]["scaleTargetRef"]["name"]] = document["spec"]["maxReplicas"]
    triton = yaml.safe_load(SCALED_OBJECT.read_text("utf-8"))["spec"]
    return {**found, triton["scaleTargetRef"]["name"]: triton["maxReplicaCount"]}


def plant_bounds(line: Line, recipe: RecipeCosts, costs: Costs, gpu_ms: float) -> list[Bound]:
    """Of the overlay `plant` and of the gateway's defaults, what is full first comes first."""
    most = most_replicas()

    def pods(service: str, ms: float, each: float = 1.0) -> float:
        return most[service] * each * UTILISATION * 1e3 / ms

    a_year = line.frames_a_year / line.frames_per_s
    bounds = [
        Bound(
            f"{most['triton']} GPUs",
            pods("triton", gpu_ms),
            "more: `maxReplicaCount` (component `keda`)",
            exists=True,
        ),
        Bound(
            f"{most['gateway']} gateways",
            pods("gateway", recipe.core_ms["gateway"], GATEWAY_CORES),
            "more: `maxReplicas` (component `hpa`)",
            exists=True,
        ),
        Bound(
            f"{most['decision']} decisions",
            pods("decision", recipe.core_ms["decision"], DECISION_CORES),
            "more: `maxReplicas` (component `hpa`)",
            exists=True,
        ),
        Bound(
            f"{most['preprocessing']} preprocessings of {PREPROCESSING_CORES:g} cores",
            pods("preprocessing", recipe.core_ms["preprocessing"], PREPROCESSING_CORES),
            "more: `maxReplicas` (component `hpa`)",
            exists=True,
        ),
        Bound(
            "archive of 100 GiB (the default)",
            _field("archive_max_bytes") * DAYS_A_YEAR / (a_year * kept_days(line) * recipe.bytes["stored"]),
            "`GATEWAY_ARCHIVE_MAX_BYTES` (an object store, component `object-archive`), `GATEWAY_KEEP_OK_ONE_IN`",
            exists=True,
        ),
        Bound(
            f"{DATABASE_BYTES / 1e12:g} TB of records in a year",
            DATABASE_BYTES / (a_year * costs.database.kept_bytes),
            "records that move to a cheaper place; until then an installation for each group of lines",
            exists=False,
        ),
        Bound(
            f"one PostgreSQL of {DATABASE_CORES} cores",
            DATABASE_CORES * UTILISATION * 1e3 / costs.database.core_ms,
            "an installation for each group of lines; read replicas would not take the writes",
            exists=False,
        ),
        Bound(
            f"outbox: one gateway brings a sink {_in_flight()} streams at once, {1e3 * SINK_S:g} ms an event",
            _in_flight() / SINK_S,
            "`max_in_flight` of the sink, up to 256; beyond that an installation for each group of lines",
            exists=True,
        ),
        Bound(
            f"{LINK_GBIT_S:g} Gbit/s into the nodes of {most['triton']} GPUs",
            most["triton"] * LINK_GBIT_S * 1e9 / 8 / recipe.bytes["tensor"],
            "more nodes; a GPU on 1 Gbit/s carries a tenth",
            exists=True,
        ),
    ]
    return sorted(bounds, key=lambda bound: bound.frames_per_s)


def _field(name: str) -> float:
    return float(GatewaySettings.model_fields[name].default)


def _in_flight() -> int:
    return int(WebhookSink.model_fields["max_in_flight"].default)

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
import yaml
from support.manifests import (
    GUARDED,
    K8S,
    NAME_LABEL,
    OVERLAYS,
    PODS,
    SECOND,
    SERVED,
    TOOLS,
    TRAININGS,
    VARIED,
    container,
    of_kind,
    pod,
    role,
    settings,
    tool,
)

from flawgate_cli.local_cluster.layout import Ports

PORTS = Ports()

DOORS = {
    "gateway": {"http": PORTS.gateway, "grpc": PORTS.gateway_grpc, "metrics": PORTS.gateway_metrics},
    "preprocessing": {"grpc": PORTS.preprocessing, "metrics": PORTS.preprocessing_metrics},
    "decision": {"grpc": PORTS.decision, "metrics": PORTS.decision_metrics},
    "triton": {"http": PORTS.triton_http, "grpc": PORTS.triton_grpc, "metrics": PORTS.triton_metrics},
}

WITHIN = [
    ("gateway", "preprocessing", PORTS.preprocessing),
    ("gateway", "decision", PORTS.decision),
    ("gateway", "triton", PORTS.triton_http),
    ("decision", "triton", PORTS.triton_grpc),
    ("model-repository", "triton", PORTS.triton_grpc),
]
"""Who calls whom: the way of a frame (docs/architecture.md), `/v2`, and a promotion."""

SECOND_WITHIN = [
    ("gateway", "decision-canary", PORTS.decision),
    ("decision-canary", "triton-canary", PORTS.triton_grpc),
]
"""What a second decision adds; it and its Triton reach nothing of the first."""

ANYWHERE = "0.0.0.0/0 but 169.254.0.0/16"
PROMETHEUS = [(name, doors["metrics"]) for name, doors in DOORS.items()]
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]

EXPECTED = [
    *((direction, *edge, "TCP") for edge in WITHIN for direction in ("out of", "into")),
    *(("into", "anybody", "gateway", DOORS["gateway"][door], "TCP") for door in ("http", "grpc")),
    *(("into", "monitoring/prometheus", name, port, "TCP") for name, port in PROMETHEUS),
    *(("out of", "every pod", "kube-system/kube-dns", 53, protocol) for protocol in ("UDP", "TCP")),
    *(("out of", name, network, 5432, "TCP") for name in ("gateway", "backup") for network in PRIVATE),
    *(("out of", "gateway", ANYWHERE, port, "TCP") for port in (443, 8883)),
]
"""Direction, from, to, port, protocol: the edges of every overlay with network policies."""

SECOND_EXPECTED = [
    *((direction, *edge, "TCP") for edge in SECOND_WITHIN for direction in ("out of", "into")),
    *(("into", "monitoring/prometheus", name, DOORS[role(name)]["metrics"], "TCP") for name in SECOND),
]
FURTHER = {
    "plant": [("out of", name, ANYWHERE, 443, "TCP") for name in ("triton", "decision")],
    **dict.fromkeys(VARIED, SECOND_EXPECTED),
}
"""What an overlay has beyond: its models come from an object store, or there is a second decision."""

Edge = tuple[str, str, str, int, str]

TO_TRITON_HTTP = ("gateway", "triton", PORTS.triton_http)


def passes_on(overlay: str) -> bool:
    """Whether the gateway passes `/v2` on to Triton's HTTP port."""
    return settings(overlay, "gateway")["GATEWAY_TRITON_HTTP_URL"] != ""


def selected(selector: Mapping[str, Any]) -> str:
    """The pods that a selector means; an expression would be an edge that is not counted here."""
    if selector == {}:
        return "every pod"
    assert set(selector) == {"matchLabels"}
    (name,) = selector["matchLabels"].values()
    return str(name)


def told(peer: Mapping[str, Any]) -> str:
    """A peer of a rule in words."""
    if "ipBlock" in peer:
        return " but ".join([peer["ipBlock"]["cidr"], *peer["ipBlock"].get("except", [])])
    assert "podSelector" in peer  # a namespace alone would let all of its pods in
    namespace = selected(peer["namespaceSelector"]) + "/" if "namespaceSelector" in peer else ""
    return namespace + selected(peer["podSelector"])


def edges(policy: Mapping[str, Any]) -> Iterator[Edge]:
    """What a policy allows."""
    subject = selected(policy["spec"]["podSelector"])
    for kind, peers, direction in (("ingress", "from", "into"), ("egress", "to", "out of")):
        for rule in policy["spec"].get(kind, []):
            for peer, port in product([told(each) for each in rule.get(peers, [])] or ["anybody"], rule["ports"]):
                ends = (peer, subject) if kind == "ingress" else (subject, peer)
                yield (direction, *ends, port["port"], port["protocol"])


@pytest.mark.parametrize("overlay", GUARDED)
def test_every_edge_is_allowed_once_and_no_other(overlay: str) -> None:
    """What services need of each other, and of what is around them, passes; nothing else does."""
    policies = of_kind(overlay, "NetworkPolicy").values()
    expected = [edge for edge in EXPECTED if edge[1:4] != TO_TRITON_HTTP or passes_on(overlay)]
    if "model-repository" not in of_kind(overlay, "PersistentVolumeClaim"):  # then nobody promotes from a pod
        expected = [edge for edge in expected if edge[1] != "model-repository"]
    assert Counter([*expected, *FURTHER.get(overlay, [])]) == Counter(
        edge for policy in policies for edge in edges(policy)
    )


@pytest.mark.parametrize("overlay", [*GUARDED, *TRAININGS])
def test_all_else_is_denied(overlay: str) -> None:
    """Whatever pod comes into the namespace, it can reach nobody, and nobody it; a training never can."""
    denied = of_kind(overlay, "NetworkPolicy")["default-deny"]["spec"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("overlay", [*GUARDED, *TRAININGS])
def test_a_policy_says_which_direction_it_opens(overlay: str) -> None:
    """A direction that it opens without naming it would not count; one that it names alone would be shut."""
    for policy in of_kind(overlay, "NetworkPolicy").values():
        if policy["metadata"]["name"] != "default-deny":
            (direction,) = policy["spec"]["policyTypes"]
            assert policy["spec"][direction.lower()] != []


@pytest.mark.parametrize(("overlay", "service"), SERVED)
def test_ports_are_those_of_the_services(overlay: str, service: str) -> None:
    """The container, its Service and the process behind agree, by name and number."""
    exposed = {each["name"]: each["containerPort"] for each in container(overlay, service)["ports"]}
    offered = of_kind(overlay, "Service")[service]["spec"]["ports"]
    assert DOORS[role(service)] == exposed
    assert DOORS[role(service)] == {each["name"]: each["port"] for each in offered}
    assert [each["name"] for each in offered] == [each["targetPort"] for each in offered]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_processes_listen_where_they_are_asked(overlay: str) -> None:
    """The settings name the same ports, and the Services of the others."""
    gateway, preprocessing, decision = (settings(overlay, name) for name in ("gateway", "preprocessing", "decision"))
    assert str(PORTS.gateway) == gateway["GATEWAY_PORT"]
    assert str(PORTS.gateway_grpc) == gateway["GATEWAY_GRPC_PORT"]
    assert str(PORTS.gateway_metrics) == gateway["GATEWAY_METRICS_PORT"]
    assert str(PORTS.preprocessing) == preprocessing["PREPROCESSING_PORT"]
    assert str(PORTS.preprocessing_metrics) == preprocessing["PREPROCESSING_METRICS_PORT"]
    assert str(PORTS.decision) == decision["DECISION_PORT"]
    assert str(PORTS.decision_metrics) == decision["DECISION_METRICS_PORT"]
    assert gateway["GATEWAY_PREPROCESSING_TARGET"] == f"preprocessing:{PORTS.preprocessing}"
    assert gateway["GATEWAY_DECISION_TARGET"] == f"decision:{PORTS.decision}"
    assert gateway["GATEWAY_TRITON_HTTP_URL"] in (f"http://triton:{PORTS.triton_http}", "")
    assert decision["DECISION_TRITON_TARGET"] == f"triton:{PORTS.triton_grpc}"


@pytest.mark.parametrize(("overlay", "service"), SERVED)
def test_selectors_meet_their_pods(overlay: str, service: str) -> None:
    """Deployment, Service, budget and autoscaler all mean the pods that the Deployment starts."""
    deployment = of_kind(overlay, "Deployment")[service]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == {NAME_LABEL: service}
    assert of_kind(overlay, "Service")[service]["spec"]["selector"] == {NAME_LABEL: service}
    assert labels[NAME_LABEL] == service
    if overlay == "plant":
        budget = of_kind(overlay, "PodDisruptionBudget")[service]["spec"]
        assert budget["selector"]["matchLabels"] == {NAME_LABEL: service}


def claimed(spec: Mapping[str, Any]) -> set[str]:
    """The claims that a pod mounts."""
    claims = [volume.get("persistentVolumeClaim") for volume in spec["volumes"]]
    return {claim["claimName"] for claim in claims if claim is not None}


@pytest.mark.parametrize("overlay", [*OVERLAYS, *TRAININGS])
def test_every_claim_and_account_is_there(overlay: str) -> None:
    """What a pod mounts or runs as is an object of the overlay."""
    for place in (each for each in PODS if each.startswith(f"{overlay}/")):
        spec = pod(place)["spec"]
        assert claimed(spec) <= set(of_kind(overlay, "PersistentVolumeClaim"))
        assert of_kind(overlay, "ServiceAccount")[spec["serviceAccountName"]]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", TOOLS)
def test_tools_mount_what_overlays_make(name: str) -> None:
    """A tool's claim is one of the overlay for which it is meant, in its namespace."""
    made = of_kind("training" if name == "training" else "line", "PersistentVolumeClaim")
    assert set() < claimed(tool(name)["spec"]) <= set(made)
    assert {tool(name)["metadata"]["namespace"]} == {each["metadata"]["namespace"] for each in made.values()}


@pytest.mark.parametrize("overlay", VARIED)
def test_the_tool_for_models_serves_the_second_decision_too(overlay: str) -> None:
    """With the names that README.md's `sed` gives it, it mounts the claim of the canary's models, and has no edge."""
    text = (K8S / "tools/model-repository.yaml").read_text("utf-8")
    renamed = yaml.safe_load(text.replace("model-repository", "model-repository-canary"))
    assert claimed(renamed["spec"]) <= claimed(pod(f"{overlay}/triton-canary")["spec"])
    assert "model-repository-canary" not in {end for edge in FURTHER[overlay] for end in edge}


@pytest.mark.parametrize(("overlay", "service"), SERVED)
def test_decision_is_reached_while_it_trusts_nothing(overlay: str, service: str) -> None:
    """Its NOT_DECIDABLE comes to the gateway also while it is not ready (docs/decisions/0017); of others nothing."""
    spec = of_kind(overlay, "Service")[service]["spec"]
    assert spec.get("publishNotReadyAddresses", False) is (role(service) == "decision")


@pytest.mark.parametrize(("overlay", "service"), SERVED)
def test_a_gateway_knows_each_pod_that_it_calls(overlay: str, service: str) -> None:
    """It sends its calls round all addresses of a name; Triton's client, and callers from outside, take one."""
    spec = of_kind(overlay, "Service")[service]["spec"]
    headless = spec.get("clusterIP") == "None"
    assert headless is (role(service) in {"preprocessing", "decision"})
    assert not headless or all(DOORS[role(service)][each["targetPort"]] == each["port"] for each in spec["ports"])


def test_every_component_is_used() -> None:
    """No component lies about that no overlay takes, and no test sees."""
    written = "".join(path.read_text("utf-8") for path in K8S.glob("overlays/*/kustomization.yaml"))
    assert {path.name for path in K8S.glob("overlays/*")} == {*OVERLAYS, *TRAININGS}
    folders = [path.name for path in (K8S / "components").iterdir() if (path / "kustomization.yaml").is_file()]
    assert [name for name in folders if f"components/{name}\n" not in written] == []
    assert len(folders) >= 6

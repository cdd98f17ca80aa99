import yaml
from support.manifests import ROOT, Manifest, container, of_kind

ALERTS = ROOT / "monitoring/rules/alerts.yml"
RECORDING = ROOT / "monitoring/rules/recording.yml"


def rules(text: str) -> list[Manifest]:
    """The rules in a file of Prometheus."""
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_autoscalers_do_not_fight_with_what_is_applied() -> None:
    """A Deployment that is scaled names no number of replicas, and never has fewer than two."""
    scalers = of_kind("plant", "HorizontalPodAutoscaler")
    assert set(scalers) == {"gateway", "preprocessing", "decision"}
    for name, scaler in scalers.items():
        assert "replicas" not in of_kind("plant", "Deployment")[name]["spec"]
        assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        assert 2 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
        assert "cpu" in container("plant", name)["resources"]["requests"]  # what its utilisation is a share of


def test_triton_grows_before_somebody_is_told() -> None:
    """KEDA asks for a series that the rules record, and starts a Triton before the alert of the same series fires."""
    (scaled,) = of_kind("plant", "ScaledObject").values()
    (trigger,) = scaled["spec"]["triggers"]
    (recorded,) = [
        rule["record"]
        for rule in rules(RECORDING.read_text("utf-8"))
        if rule.get("record", "-") in trigger["metadata"]["query"]
    ]
    (alert,) = [rule for rule in rules(ALERTS.read_text("utf-8")) if rule.get("alert") == "FlawgateTritonQueueLong"]
    told_at_s = float(alert["expr"].partition(f"{recorded} > ")[2].split()[0])
    assert 0 < float(trigger["metadata"]["threshold"]) <= told_at_s / 2
    assert trigger["metadata"]["ignoreNullValues"] == "false"


def test_triton_is_scaled_by_one_alone() -> None:
    """KEDA names the Deployment, which names no number of replicas of its own."""
    (scaled,) = of_kind("plant", "ScaledObject").values()
    assert "replicas" not in of_kind("plant", "Deployment")[scaled["spec"]["scaleTargetRef"]["name"]]["spec"]
    assert 2 <= scaled["spec"]["minReplicaCount"] < scaled["spec"]["maxReplicaCount"]

import json
from functools import cache
from itertools import product

import pytest
from support.manifests import OVERLAYS, TOOLS, TRAININGS, Manifest, of_kind, rendered, tool

ALL = (*OVERLAYS, *TRAININGS)
VERSIONS = ("1.33", "1.37")
"""Of Kubernetes: the oldest that we say works, and the newest whose schema is at hand."""

OF_OTHERS = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("gateway.networking.k8s.io/v1", "GRPCRoute"),
    ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"),
    ("keda.sh/v1alpha1", "ScaledObject"),
}
"""Kinds of the Prometheus operator, the Gateway API and KEDA; Kubernetes itself has no schema for them."""


OF_THE_CLUSTER = {"Namespace", "PriorityClass"}
"""Kinds that are in no namespace."""


def validated(manifest: Manifest, version: str) -> None:
    """Hold a manifest against the schema of its kind, unknown fields refused."""
    if (manifest["apiVersion"], manifest["kind"]) not in OF_OTHERS:
        validated_text(json.dumps(manifest), version)


@cache
def validated_text(manifest: str, version: str) -> None:
    """As JSON: what overlays share is looked at once."""
    validating = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate, with the schemas, is missing")
    validating.validate(json.loads(manifest), version, strict=True)


@pytest.mark.parametrize(("overlay", "version"), list(product(ALL, VERSIONS)))
def test_overlays_are_of_the_api(overlay: str, version: str) -> None:
    """Kubernetes knows every object of every overlay, and every field of it."""
    for manifest in rendered(overlay):
        validated(manifest, version)


@pytest.mark.parametrize(("name", "version"), list(product(TOOLS, VERSIONS)))
def test_tools_are_of_the_api(name: str, version: str) -> None:
    """So it does those that are applied by themselves."""
    validated(tool(name), version)


@pytest.mark.parametrize("overlay", ALL)
def test_all_is_in_one_namespace(overlay: str) -> None:
    """Nothing lands beside it, and it refuses pods that ask for more than the restricted profile lets them."""
    (namespace,) = of_kind(overlay, "Namespace").values()
    others = [each["metadata"] for each in rendered(overlay) if each["kind"] not in OF_THE_CLUSTER]
    assert {namespace["metadata"]["name"]} == {metadata["namespace"] for metadata in others}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", ALL)
def test_no_secret_is_in_the_tree(overlay: str) -> None:
    """Secrets are named, never shipped."""
    assert of_kind(overlay, "Secret") == {}

"""Kubernetes manifests as `kubectl kustomize` renders them, without a cluster."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
VARIED = ("canary", "shadow")
"""Overlays with a second decision."""

OVERLAYS = ("dev", "line", "plant", *VARIED)
"""Those that inspect."""

GUARDED = ("line", "plant", *VARIED)
"""Those of them with network policies."""

TRAININGS = ("training", "training-multi-gpu", "training-folds")
"""Overlays of one Job each."""

TOOLS = ("model-repository", "wheels", "training")
SERVICES = ("gateway", "preprocessing", "decision", "triton")
SECOND = ("decision-canary", "triton-canary")

SERVED = (
    *((overlay, service) for overlay in OVERLAYS for service in SERVICES),
    *((overlay, service) for overlay in VARIED for service in SECOND),
)
"""Overlay and name of each Deployment."""

PODS = (
    *(f"{overlay}/{service}" for overlay, service in SERVED),
    *(f"{overlay}/training" for overlay in TRAININGS),
    *(f"{overlay}/backup" for overlay in GUARDED),
    *(f"tools/{name}" for name in TOOLS),
)
"""Where each pod comes from that any overlay or tool starts."""

NAME_LABEL = "app.kubernetes.io/name"

Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> Sequence[Manifest]:
    """The objects of an overlay; the test is skipped where kubectl is not installed."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed, which renders overlays")
    done = subprocess.run(
        [program, "kustomize", str(K8S / "overlays" / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # where kustomize warns of what it will not do for long
    return list(yaml.safe_load_all(done.stdout))


def tool(name: str) -> Manifest:
    """A manifest that is applied by itself."""
    manifest: Manifest = yaml.safe_load((K8S / "tools" / f"{name}.yaml").read_text("utf-8"))
    return manifest


def of_kind(overlay: str, kind: str) -> dict[str, Manifest]:
    """The objects of a kind, by name."""
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] == kind}


def pod(place: str) -> Manifest:
    """One of `PODS`: its labels and its specification."""
    group, name = place.split("/")
    if group == "tools":
        return tool(name)
    if name in (timed := of_kind(group, "CronJob")):
        found: Manifest = timed[name]["spec"]["jobTemplate"]["spec"]["template"]
    else:
        found = (of_kind(group, "Deployment") | of_kind(group, "Job"))[name]["spec"]["template"]
    return found


def role(service: str) -> str:
    """The service that a Deployment runs: that of `decision-canary` is `decision`."""
    return service.removesuffix("-canary")


def containers(described: Manifest) -> list[Manifest]:
    """All containers of a pod, those that run before it too."""
    return [*described["spec"].get("initContainers", []), *described["spec"]["containers"]]


def container(overlay: str, service: str) -> Manifest:
    """The one container of a service, or of a Job."""
    (only,) = pod(f"{overlay}/{service}")["spec"]["containers"]
    found: Manifest = only
    return found


def settings(overlay: str, service: str) -> Mapping[str, str]:
    """The environment that an overlay itself gives a service or Job; what secrets and pods hold is not known here."""
    maps = of_kind(overlay, "ConfigMap")
    described = container(overlay, service)
    found: dict[str, str] = {}
    for source in described.get("envFrom", []):
        if "configMapRef" in source:
            found |= maps[source["configMapRef"]["name"]]["data"]
    for variable in described.get("env", []):
        source = variable.get("valueFrom", {})
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        elif "resourceFieldRef" in source:
            found[variable["name"]] = _resource(described, source["resourceFieldRef"]["resource"])
    return found


def quantity(text: str) -> float:
    """A number of bytes or processors as Kubernetes writes it: `512Mi`, `500m`, `2`."""
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 1e-3}
    for unit, factor in units.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def _resource(described: Manifest, path: str) -> str:
    which, name = path.split(".")
    amount: str = described["resources"][which][name]
    return amount

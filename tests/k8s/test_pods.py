import re
import tomllib

import pytest
from support.manifests import (
    GUARDED,
    OVERLAYS,
    PODS,
    ROOT,
    SERVED,
    TRAININGS,
    container,
    containers,
    of_kind,
    pod,
    quantity,
    rendered,
    role,
    settings,
)

from flawgate_decision import app as decision
from flawgate_plans.pins import PINNED
from flawgate_preprocessing import app as preprocessing

OWN = re.compile(r"flawgate/(?P<name>[a-z]+):(?P<version>[0-9.]+)")

POSTGRES = "postgres:18-bookworm"
"""Its programs dump the records; the server is another's."""

NAMES = {"preprocessing": preprocessing.SERVICE_NAME, "decision": decision.SERVICE_NAME}
"""Of gRPC services, which health is asked for by."""

GRACES = {"gateway": 2, "preprocessing": 1, "decision": 1}
"""How many times GRACE_S a service may take to end: the gateway ends requests, then events under way."""

NO_SURGE = {("dev", "gateway"), *((overlay, "triton") for overlay in GUARDED)}
"""What cannot run beside the one that it replaces: of SQLite there is one writer, and each GPU is taken."""

EVERY_POD = pytest.mark.parametrize("place", PODS)
EVERY_SERVICE = pytest.mark.parametrize(("overlay", "service"), SERVED)


@EVERY_POD
def test_pods_may_nothing(place: str) -> None:
    """No pod runs as root, under a token of the API, or outside of the runtime's seccomp profile."""
    spec = pod(place)["spec"]
    secured = spec["securityContext"]
    assert secured["runAsNonRoot"] is True
    assert secured["runAsUser"] == secured["runAsGroup"] == secured["fsGroup"] == 10001
    assert secured["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert not [volume for volume in spec["volumes"] if "hostPath" in volume]


@EVERY_POD
def test_containers_may_nothing(place: str) -> None:
    """No container gains privileges or writes to its own file system; /tmp is a volume with a bound."""
    sizes = {volume["name"]: volume.get("emptyDir", {}).get("sizeLimit") for volume in pod(place)["spec"]["volumes"]}
    for each in containers(pod(place)):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        for mount in each["volumeMounts"]:
            assert mount["mountPath"] != "/tmp" or sizes[mount["name"]] is not None  # noqa: S108  # the pod's, not ours


@EVERY_POD
def test_resources_are_bounded(place: str) -> None:
    """Each container asks for processors and memory, and can take only so much of them."""
    for each in containers(pod(place)):
        for resource in ("cpu", "memory"):
            asked, most = (quantity(each["resources"][which][resource]) for which in ("requests", "limits"))
            assert 0 < asked <= most


@EVERY_POD
def test_images_are_ours_or_pinned(place: str) -> None:
    """An image has a Dockerfile here and the version of its package, or is one of two others, never the latest."""
    for each in containers(pod(place)):
        own = OWN.fullmatch(each["image"])
        if own is None:
            assert each["image"] in {PINNED.image, POSTGRES}
        else:
            folder = ROOT / "training" if own["name"] == "training" else ROOT / "services" / own["name"]
            assert (folder / "Dockerfile").is_file()
            assert tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["version"] == own["version"]


@EVERY_POD
def test_variables_of_services_stay_out(place: str) -> None:
    """Kubernetes adds no GATEWAY_PORT=tcp://… of its own, which the settings would read."""
    assert pod(place)["spec"]["enableServiceLinks"] is False


@EVERY_SERVICE
def test_every_probe_is_there(overlay: str, service: str) -> None:
    """Start, readiness and liveness are probed; liveness is patient with a busy process."""
    described = container(overlay, service)
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(described)
    assert described["livenessProbe"]["periodSeconds"] * described["livenessProbe"]["failureThreshold"] >= 30
    assert described["startupProbe"]["periodSeconds"] * described["startupProbe"]["failureThreshold"] >= 120


@pytest.mark.parametrize(("overlay", "service"), [each for each in SERVED if role(each[1]) in NAMES])
def test_grpc_services_are_restarted_for_themselves_alone(overlay: str, service: str) -> None:
    """Readiness is the service's own health; liveness and start never ask it, since it follows other services."""
    described = container(overlay, service)
    (port,) = [each["containerPort"] for each in described["ports"] if each["name"] == "grpc"]
    ready = described["readinessProbe"]
    asked = ready["exec"]["command"][-2] if "exec" in ready else ready["grpc"]["service"]
    assert asked == NAMES[role(service)]
    assert "exec" in ready or ready["grpc"]["port"] == port
    assert described["livenessProbe"]["tcpSocket"] == described["startupProbe"]["tcpSocket"] == {"port": "grpc"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_gateway_is_restarted_for_itself_alone(overlay: str) -> None:
    """It takes frames where the whole way is open, and is restarted only where its own process does not answer."""
    described = container(overlay, "gateway")
    tls = {"scheme": "HTTPS"} if "GATEWAY_TLS_CERTIFICATE_FILE" in settings(overlay, "gateway") else {}
    assert described["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http", **tls}
    assert described["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http", **tls}
    assert described["startupProbe"]["httpGet"] == {"path": "/livez", "port": "http", **tls}


@pytest.mark.parametrize(("overlay", "service"), [each for each in SERVED if role(each[1]) in GRACES])
def test_nobody_is_killed_while_draining(overlay: str, service: str) -> None:
    """A pod has time to say NOT_SERVING, to finish calls and (the gateway) events, and to send its last spans."""
    found, graces = settings(overlay, service), GRACES[role(service)]
    drain_s, grace_s = (float(found[f"{role(service).upper()}_{name}_S"]) for name in ("DRAIN", "GRACE"))
    spec = of_kind(overlay, "Deployment")[service]["spec"]["template"]["spec"]
    assert drain_s >= 10  # until every node's proxy knows that the pod goes, and DNS, whose answers are kept for 5 s
    assert spec["terminationGracePeriodSeconds"] >= drain_s + graces * grace_s + 5


@EVERY_SERVICE
def test_an_update_takes_no_pod_away_before_the_next_one_is_ready(overlay: str, service: str) -> None:
    """A new pod is ready before an old one goes; where two cannot be, the pod is one of several, or the only one."""
    strategy = of_kind(overlay, "Deployment")[service]["spec"]["strategy"]
    if (overlay, service) not in NO_SURGE:
        assert strategy == {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    elif service in of_kind(overlay, "ScaledObject"):
        assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
        assert of_kind(overlay, "ScaledObject")[service]["spec"]["minReplicaCount"] >= 2
    else:
        assert strategy == {"type": "Recreate"}


@EVERY_SERVICE
def test_a_pod_is_known_to_stop_before_it_stops(overlay: str, service: str) -> None:
    """Whoever asks a pod whether it is ready hears of its end while it still serves."""
    ready = container(overlay, service)["readinessProbe"]
    noticed_s = ready["periodSeconds"] * ready["failureThreshold"]
    drain_s = settings(overlay, service).get(f"{role(service).upper()}_DRAIN_S")
    assert drain_s is None or noticed_s <= float(drain_s)


@EVERY_SERVICE
def test_pods_are_spread(overlay: str, service: str) -> None:
    """Pods of one service go to different zones and nodes where there are any."""
    spread = of_kind(overlay, "Deployment")[service]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {"topology.kubernetes.io/zone", "kubernetes.io/hostname"} == {each["topologyKey"] for each in spread}
    assert {service} == {each["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] for each in spread}


@pytest.mark.parametrize(
    "place", [each for each in PODS if role(each).endswith(("/triton", "/training")) and "tools" not in each]
)
def test_shared_memory_is_there(place: str) -> None:
    """Tensors go through /dev/shm between processes of a container; it is bounded, and counts as its memory."""
    described = pod(place)
    (shm,) = [volume["emptyDir"] for volume in described["spec"]["volumes"] if volume["name"] == "shm"]
    (described,) = described["spec"]["containers"]
    assert shm["medium"] == "Memory"
    assert {"name": "shm", "mountPath": "/dev/shm"} in described["volumeMounts"]  # noqa: S108  # the pod's, not ours
    assert quantity(described["resources"]["limits"]["memory"]) >= 2 * quantity(shm["sizeLimit"]) >= 2**30


@pytest.mark.parametrize("overlay", [*OVERLAYS, *TRAININGS])
def test_every_pod_is_known_here(overlay: str) -> None:
    """No overlay starts a pod that these tests do not look at."""
    started = {name for kind in ("Deployment", "CronJob", "Job") for name in of_kind(overlay, kind)}
    assert {f"{overlay}/{name}" for name in started} == {place for place in PODS if place.startswith(f"{overlay}/")}
    others = {"DaemonSet", "StatefulSet", "Pod", "ReplicaSet"}
    assert not others & {each["kind"] for each in rendered(overlay)}

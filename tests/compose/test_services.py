import re
import tomllib

import pytest
import yaml
from support.compose_file import ROOT, described, ends, mounts, seconds, services, settings, size, variables

from flawgate_plans.pins import PINNED

OWN = {"gateway", "preprocessing", "decision", "triton", "camera", "models"}
OTHERS = {"postgres", "prometheus", "grafana", "triton-gpu", "plans"}

every_service = pytest.mark.parametrize("name", sorted(OWN | OTHERS))
every_lasting_service = pytest.mark.parametrize("name", [name for name in sorted(services()) if not ends(name)])


def test_these_are_the_services() -> None:
    """No service is there of which these tests know nothing."""
    assert set(services()) == OWN | OTHERS


@every_service
def test_containers_may_nothing(name: str) -> None:
    """No container writes to its own file system, or has or gains a privilege."""
    service = services()[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices"} & set(service)


@every_service
def test_memory_and_logs_are_bounded(name: str) -> None:
    """Each has a bound of memory, above what it holds in shared memory, and logs that are rotated."""
    service = services()[name]
    assert size(service.get("shm_size", "64mb")) < size(service["mem_limit"])
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}}


@every_lasting_service
def test_health_is_asked_for(name: str) -> None:
    """Docker knows of each whether it is healthy, by its image's own check where none is given here."""
    check = services()[name]["healthcheck"]
    assert {"interval", "timeout", "start_period", "retries"} <= set(check)
    if "test" in check:
        assert check["test"][0] == "CMD"  # a shell there may not be
    else:
        dockerfile = ROOT / "services" / name / "Dockerfile"
        assert "HEALTHCHECK --" in dockerfile.read_text("utf-8")


@every_lasting_service
def test_what_dies_is_started_again(name: str) -> None:
    """Unless somebody stopped it."""
    assert services()[name]["restart"] == "unless-stopped"


@every_service
def test_images_are_ours_or_pinned(name: str) -> None:
    """An image has a Dockerfile here and this version, or is another's in a version to the patch."""
    image = services()[name]["image"]
    if name in OWN:
        prefix, _, tagged = image.partition("/")
        folder, _, version = tagged.partition(":")
        assert (ROOT / "services" / folder / "Dockerfile").is_file()
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        assert (prefix, version) == ("flawgate", project["version"])
        assert services()[name]["pull_policy"] == "never"  # nobody else's image takes its name
    else:
        assert re.fullmatch(r"\S+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?", image)


def test_the_gpu_has_the_triton_that_plans_are_built_for() -> None:
    """Plans and Triton are of the one pinned image; float32 is computed as float32."""
    assert {services()[name]["image"] for name in ("triton-gpu", "plans")} == {PINNED.image}
    assert settings("triton-gpu") == {"NVIDIA_TF32_OVERRIDE": "0"}


def test_records_are_kept_by_the_postgresql_of_kubernetes() -> None:
    """One major version for both, so that a dump of one can be brought back in the other."""
    job = yaml.safe_load((ROOT / "k8s/components/backup/cron-job.yaml").read_text("utf-8"))
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    majors = {re.match(r"postgres:(\d+)", image)[1] for image in (container["image"], services()["postgres"]["image"])}  # type: ignore[index]
    assert len(majors) == 1


@every_service
def test_each_starts_when_what_it_needs_is_healthy(name: str) -> None:
    """Order is by health; by a job's end where it is one."""
    for other, told in services()[name].get("depends_on", {}).items():
        assert told["condition"] == ("service_completed_successfully" if ends(other) else "service_healthy")
        chosen = (
            services()[other].get("profiles") == services()[name].get("profiles") or "profiles" not in services()[other]
        )
        assert told.get("required", True) == chosen


def test_a_frame_s_way_is_healthy_before_the_gateway() -> None:
    """Who waits for the gateway waits for all behind it."""
    assert {"postgres", "preprocessing", "decision"} == set(services()["gateway"]["depends_on"])
    assert {"triton", "triton-gpu"} == set(services()["decision"]["depends_on"])
    assert "http://127.0.0.1:8080/readyz" in services()["gateway"]["healthcheck"]["test"]


def test_the_cpu_is_the_default() -> None:
    """Without a choice exactly one Triton runs, the one that needs no GPU; both answer to the same name."""
    assert variables()["COMPOSE_PROFILES"] == "cpu"
    assert (services()["triton"]["profiles"], services()["triton-gpu"]["profiles"]) == (["cpu"], ["gpu"])
    assert services()["triton-gpu"]["networks"]["inside"]["aliases"] == ["triton"]


@pytest.mark.parametrize("name", ["gateway", "preprocessing", "decision"])
def test_running_calls_may_end(name: str) -> None:
    """Docker waits longer for a container to stop than the service allows calls that run."""
    asked = {variable.partition("_")[2]: value for variable, value in settings(name).items()}
    assert (
        seconds(services()[name]["stop_grace_period"]) >= float(asked["GRACE_S"]) + float(asked.get("DRAIN_S", 0)) + 5
    )


def test_few_ports_are_published() -> None:
    """The gateway's doors, and on loopback for good Prometheus and Grafana; unless told otherwise all of them."""
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == {"gateway", "prometheus", "grafana"}
    assert {port.split(":")[0] for ports in published.values() for port in ports} == {"127.0.0.1"}
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert text.count("${FLAWGATE_ADDRESS}:") == len(published["gateway"])


def test_who_decodes_pictures_reaches_nobody_outside() -> None:
    """The gateway alone has a way to the records, to the services behind it, and out."""
    networks = {name: set(service["networks"]) for name, service in services().items()}
    internal = {name for name, told in described()["networks"].items() if told.get("internal")}
    assert internal == {"inside", "records"}
    assert {name for name, on in networks.items() if "records" in on} == {"gateway", "postgres"}
    assert {name for name, on in networks.items() if "doors" in on} == {"gateway", "prometheus", "grafana", "camera"}


@every_service
def test_what_is_mounted_is_there(name: str) -> None:
    """Each mount is a volume of the file, or a folder or file of the repository (or one that is made when needed)."""
    made = {variables()["FLAWGATE_WHEELS"]}
    for here, _ in mounts(name):
        assert here in described()["volumes"] or here in made or (ROOT / here).exists()


def test_shared_memory_and_programs_of_triton() -> None:
    """Tensors cross shared memory, and libraries are loaded from /tmp."""
    for name in ("triton", "triton-gpu"):
        assert size(services()[name]["shm_size"]) >= 2**30
        assert [mount.split(":")[1].split(",")[0] for mount in services()[name]["tmpfs"]] == ["exec"]

import subprocess

import pytest
from support.commands import parsed
from support.manifests import (
    GUARDED,
    OVERLAYS,
    ROOT,
    SERVED,
    SERVICES,
    VARIED,
    Manifest,
    container,
    of_kind,
    pod,
    quantity,
    role,
    settings,
)
from support.triton_options import options_of_triton

from flawgate_cli.local_cluster.layout import Ports
from flawgate_contracts.settings import GrpcServiceSettings
from flawgate_decision.settings import DecisionSettings
from flawgate_gateway.settings import GatewaySettings
from flawgate_preprocessing.settings import PreprocessingSettings

PORTS = Ports()

CLASSES: dict[str, type[GrpcServiceSettings]] = {
    "gateway": GatewaySettings,
    "preprocessing": PreprocessingSettings,
    "decision": DecisionSettings,
}


def read(overlay: str, service: str) -> GrpcServiceSettings:
    """The settings as the service reads them; a name or a value that it does not know is refused."""
    prefix = f"{role(service).upper()}_"
    named = settings(overlay, service)
    assert [name for name in named if not name.startswith(prefix)] == []
    values = {name.removeprefix(prefix).lower(): value for name, value in named.items()}
    return CLASSES[role(service)].model_validate(values)


@pytest.mark.parametrize(("overlay", "service"), [each for each in SERVED if role(each[1]) in CLASSES])
def test_every_setting_is_known_and_good(overlay: str, service: str) -> None:
    """Each key is one that the service's settings know, each value one that they take; others reach its ports."""
    assert read(overlay, service).host == "0.0.0.0"  # noqa: S104  # a pod's address is known only when it runs


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_gateway_asks_for_keys(overlay: str) -> None:
    """Nobody gets in without one."""
    assert settings(overlay, "gateway")["GATEWAY_ACCESS"] == "keys"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_bodies_fit_into_the_memory(overlay: str) -> None:
    """What the gateway may hold at once is at most half of its memory."""
    found = read(overlay, "gateway")
    assert isinstance(found, GatewaySettings)
    limit = quantity(container(overlay, "gateway")["resources"]["limits"]["memory"])
    assert found.max_buffered_bytes + found.max_streamed_bytes <= limit / 2


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_preprocessing_works_on_as_many_frames_as_it_has_processors(overlay: str) -> None:
    """Left alone it would count those of the node."""
    found = read(overlay, "preprocessing")
    assert isinstance(found, PreprocessingSettings)
    assert found.threads == quantity(container(overlay, "preprocessing")["resources"]["limits"]["cpu"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_records_and_pictures_outlive_a_pod(overlay: str) -> None:
    """Records are in PostgreSQL, pictures in an object store, or on a volume; several gateways share no volume."""
    found = settings(overlay, "gateway")
    mounts = {mount["mountPath"]: mount["name"] for mount in container(overlay, "gateway")["volumeMounts"]}
    secrets = [
        source["secretRef"]["name"] for source in container(overlay, "gateway")["envFrom"] if "secretRef" in source
    ]
    volumes = of_kind(overlay, "Deployment")["gateway"]["spec"]["template"]["spec"]["volumes"]
    claimed = {volume["name"] for volume in volumes if "persistentVolumeClaim" in volume}
    on_volume = mounts.get(found["GATEWAY_DATA_DIR"]) in claimed
    in_postgresql = found.get("GATEWAY_DATABASE_URL_FILE") == "/run/secrets/flawgate/database/url"
    in_objects = secrets == ["gateway-archive"]
    assert in_postgresql or on_volume
    assert in_objects or on_volume
    assert "gateway" not in of_kind(overlay, "HorizontalPodAutoscaler") or (in_postgresql and in_objects)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_one_process_at_a_time_has_the_records_in_sqlite(overlay: str) -> None:
    """Where there is no PostgreSQL, one gateway runs, and stops before the next one starts."""
    deployment = of_kind(overlay, "Deployment")["gateway"]["spec"]
    sqlite = "GATEWAY_DATABASE_URL_FILE" not in settings(overlay, "gateway")
    assert sqlite == (deployment.get("replicas") == 1 and deployment["strategy"] == {"type": "Recreate"})


@pytest.mark.parametrize(("overlay", "name"), [("dev", "triton"), *((each, "triton-canary") for each in VARIED)])
def test_triton_takes_its_arguments(overlay: str, name: str) -> None:
    """Triton on the CPU is reached by the other pods, and loads what is in force."""
    described = container(overlay, name)
    arguments = [each.replace("$(CPUS)", settings(overlay, name)["CPUS"]) for each in described["args"]]
    options = options_of_triton().parse(arguments)
    assert options.host == "0.0.0.0"  # noqa: S104  # a pod's address is known only when it runs
    assert options.threads == quantity(described["resources"]["limits"]["cpu"])
    assert (options.model_control, options.wanted_models) == ("explicit", None)


def before_triton(overlay: str) -> dict[str, Manifest]:
    """What runs before Triton on a GPU, by name, in this order."""
    return {each["name"]: each for each in pod(f"{overlay}/triton")["spec"]["initContainers"]}


@pytest.mark.parametrize("overlay", GUARDED)
def test_plans_are_built_by_a_command_that_there_is(overlay: str) -> None:
    """What runs before Triton is a command that there is, with options that it has, on Triton's repository."""
    script = before_triton(overlay)["plans"]["args"][0].replace("\\\n", " ")
    (called,) = [line for line in script.splitlines() if "flawgate_cli" in line]
    asked = parsed(called.partition("flawgate_cli ")[2].removesuffix("||").split())
    (repository,) = [each for each in container(overlay, "triton")["args"] if "--model-repository=" in each]
    assert repository == f"--model-repository={asked['model_repository']}"


TRITON = ROOT / "services/triton"
HELP = """
import os, subprocess
from flawgate_triton.installation import find_installation
found = find_installation()
folders = os.pathsep.join(map(str, found.library_folders))
print(subprocess.run([found.binary, "--help"], env={"LD_LIBRARY_PATH": folders}, capture_output=True, text=True).stderr)
"""


@pytest.mark.cluster
@pytest.mark.parametrize("overlay", ["line", "plant"])
def test_tritonserver_knows_its_options(overlay: str) -> None:
    """NVIDIA's image is started with options that a real tritonserver (2.51) lists."""
    python = TRITON / ".venv/bin/python"
    listed = subprocess.run([python, "-c", HELP], cwd=TRITON, capture_output=True, text=True, check=True).stdout
    given = [argument.partition("=")[0] for argument in container(overlay, "triton")["args"]]
    assert [option for option in given if f"\n  {option} <" not in listed] == []


@pytest.mark.parametrize("overlay", GUARDED)
def test_a_gpu_computes_float32_as_float32(overlay: str) -> None:
    """Golden frames of an fp32 recipe would fail under TF32; each Triton has one GPU, whose plans it built itself."""
    described, plans = container(overlay, "triton"), before_triton(overlay)["plans"]
    assert settings(overlay, "triton") == {"NVIDIA_TF32_OVERRIDE": "0"}
    assert described["resources"]["limits"]["nvidia.com/gpu"] == plans["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert described["image"] == plans["image"]


@pytest.mark.parametrize("service", ["triton", "decision"])
def test_models_come_from_the_store_before_anything_else(service: str) -> None:
    """Each pod of `plant` pulls a copy of its own, by a command that there is, to where its service reads it."""
    spec = pod(f"plant/{service}")["spec"]
    pulling = spec["initContainers"][0]
    (volume,) = [each for each in spec["volumes"] if each["name"] == "model-repository"]
    (read,) = [each for each in container("plant", service)["volumeMounts"] if each["name"] == "model-repository"]
    program, *arguments = pulling["command"]
    asked = parsed([*arguments, "s3://bucket/models"])  # the Secret's FLAWGATE_MODEL_STORE
    assert (program, str(asked["model_repository"])) == ("flawgate", read["mountPath"])
    assert pulling["envFrom"] == [{"secretRef": {"name": "model-store"}}]
    assert {"name": "model-repository", "mountPath": read["mountPath"]} in pulling["volumeMounts"]
    assert asked["max_bytes"] <= quantity(volume["emptyDir"]["sizeLimit"]) / 2
    assert "model-repository" not in of_kind("plant", "PersistentVolumeClaim")


def test_models_are_pulled_by_an_image_that_can() -> None:
    """It holds the command `flawgate` and the client of S3."""
    (image,) = {pod(f"plant/{service}")["spec"]["initContainers"][0]["image"] for service in ("triton", "decision")}
    name = image.removeprefix("flawgate/").partition(":")[0]
    built = (ROOT / "services" / name / "Dockerfile").read_text("utf-8")
    assert f"--package flawgate-{name} --extra s3 --package flawgate-cli" in built


@pytest.mark.parametrize("overlay", VARIED)
def test_the_gateway_knows_the_second_decision(overlay: str) -> None:
    """One variant of the two, by the name of its Service; that asks a Triton of its own, with models of its own."""
    found = read(overlay, "gateway")
    assert isinstance(found, GatewaySettings)
    asked = {"canary": found.canary_decision, "shadow": found.shadow_decision}
    assert asked == {**dict.fromkeys(VARIED), overlay: f"decision-canary:{PORTS.decision}"}
    assert 0 <= found.canary_share <= 0.1
    assert settings(overlay, "decision-canary")["DECISION_TRITON_TARGET"] == f"triton-canary:{PORTS.triton_grpc}"
    for service in SERVICES:
        assert container(overlay, service) | {"envFrom": []} == container("line", service) | {"envFrom": []}

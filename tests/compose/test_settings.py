import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from support.compose_file import ROOT, described, services, settings, size, variables, variables_asked_for
from support.triton_options import options_of_triton

from flawgate_camera.config.loading import load
from flawgate_contracts.settings import GrpcServiceSettings
from flawgate_decision.settings import DecisionSettings
from flawgate_gateway.settings import GatewaySettings
from flawgate_preprocessing.settings import PreprocessingSettings

CLASSES: dict[str, type[GrpcServiceSettings]] = {
    "gateway": GatewaySettings,
    "preprocessing": PreprocessingSettings,
    "decision": DecisionSettings,
}
PORTS = {"gateway": 8080, "preprocessing": 8082, "decision": 8083}


def read(service: str) -> GrpcServiceSettings:
    """The settings as the service reads them; a name or a value that it does not know is refused."""
    prefix = f"{service.upper()}_"
    named = settings(service)
    assert [name for name in named if not name.startswith(prefix)] == []
    values = {name.removeprefix(prefix).lower(): value for name, value in named.items()}
    return CLASSES[service].model_validate(values)


@pytest.mark.parametrize("service", CLASSES)
def test_every_setting_is_known_and_good(service: str) -> None:
    """Each is one that the service's settings know; other containers reach its usual port."""
    found = read(service).model_dump()
    assert (found["host"], found["port"]) == ("0.0.0.0", PORTS[service])  # noqa: S104 - a container's address


def test_the_gateway_asks_for_keys() -> None:
    """Nobody gets in without one."""
    assert settings("gateway")["GATEWAY_ACCESS"] == "keys"


def test_bodies_fit_into_the_memory() -> None:
    """What the gateway may hold at once is at most half of its memory."""
    found = read("gateway")
    assert isinstance(found, GatewaySettings)
    assert found.max_buffered_bytes + found.max_streamed_bytes <= size(services()["gateway"]["mem_limit"]) / 2


def test_services_are_called_where_they_are() -> None:
    """Each target is a service of the file, on a network that both are on, at a port that it listens on."""
    found = [
        ("gateway", settings("gateway")["GATEWAY_PREPROCESSING_TARGET"], 8082),
        ("gateway", settings("gateway")["GATEWAY_DECISION_TARGET"], 8083),
        ("gateway", settings("gateway")["GATEWAY_TRITON_HTTP_URL"].removeprefix("http://"), 8000),
        ("decision", settings("decision")["DECISION_TRITON_TARGET"], 8001),
    ]
    for caller, target, port in found:
        host, _, asked = target.partition(":")
        assert int(asked) == port
        assert set(services()[caller]["networks"]) & set(services()[host]["networks"])


def test_triton_takes_its_arguments() -> None:
    """Triton on the CPU loads what is in force, from where the models are mounted."""
    entry = re.search(r"^ENTRYPOINT (\[.+\])$", (ROOT / "services/triton/Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert entry is not None
    options = options_of_triton().parse([*yaml.safe_load(entry[1])[3:], *services()["triton"]["command"]])
    assert (options.model_control, options.wanted_models) == ("explicit", None)
    assert [each for each in services()["triton"]["volumes"] if each.split(":")[1] == str(options.model_repository)]


def test_every_variable_is_set_and_used() -> None:
    """What docker-compose.yml asks for stands in .env, and nothing else does but what Compose itself reads."""
    assert set(variables()) == variables_asked_for() | {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}


def test_secrets_come_by_file() -> None:
    """No environment holds one; each is a file of the folder of secrets."""
    assert {told["file"] for told in described()["secrets"].values()} == {
        f"{variables()['FLAWGATE_SECRETS']}/{name}" for name in described()["secrets"]
    }
    suspicious = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL")
    for service in services():
        for name, value in settings(service).items():
            if suspicious.search(name):
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in services()[service]["secrets"]


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """The folder is its owner's alone, its files are readable in containers; a second run changes nothing."""
    folder = tmp_path / "secrets"
    script = ["scripts/compose_secrets.sh"]
    environment = {"PATH": "/usr/bin:/bin", "FLAWGATE_SECRETS": str(folder)}
    subprocess.run(script, cwd=ROOT, env=environment, check=True, capture_output=True)
    made = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert set(made) == set(described()["secrets"]) - {"camera_key"}  # which the gateway makes
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert made["database_url"] == f"postgresql://flawgate:{made['database_password']}@postgres/flawgate"
    assert len({len(made["database_password"]), len(made["grafana_password"])}) == 1
    assert made["database_password"] != made["grafana_password"]
    again = subprocess.run(script, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert again.stdout == ""
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == made


def test_secrets_stay_out_of_the_repository() -> None:
    """Git leaves their folder out."""
    assert variables()["FLAWGATE_SECRETS"] == "./compose/secrets"
    assert (ROOT / "compose/.gitignore").read_text("utf-8") == "secrets/\n"


def test_doors_may_have_tls() -> None:
    """compose/tls.yml names files that lie in what it mounts, from the folder of secrets; the gateway takes them so."""
    (name, layer), *others = yaml.safe_load((ROOT / "compose/tls.yml").read_text("utf-8"))["services"].items()
    assert (name, others) == ("gateway", [])
    settings_of = {key.removeprefix("GATEWAY_").lower(): value for key, value in layer["environment"].items()}
    files = GatewaySettings.model_validate(settings_of).tls_files()
    assert files is not None
    assert layer["volumes"] == ["${FLAWGATE_SECRETS}/tls:/run/tls:ro"]
    assert {str(Path(each).parent) for each in settings_of.values()} == {"/run/tls"}
    assert "--settings=GATEWAY" in services()["gateway"]["healthcheck"]["test"]  # whose probe then speaks TLS


def test_prometheus_asks_every_service() -> None:
    """The same jobs as on one machine without containers, each at its service's port of metrics."""
    local, here = (
        yaml.safe_load((ROOT / path).read_text("utf-8"))
        for path in ("monitoring/targets/local.yml", "compose/prometheus/targets/compose.yml")
    )
    asked = {group["labels"]["job"]: group["targets"] for group in here}
    ports = {group["labels"]["job"]: group["targets"][0].partition(":")[2] for group in local}
    assert asked == {job: [f"{job}:{port}"] for job, port in ports.items()}


def test_the_made_up_camera_is_good() -> None:
    """The agent's file is one that the agent takes, with the key that is mounted, and metrics that others reach."""
    path = ROOT / "compose/cameras/cameras.toml"
    config = load(path)
    assert (config.gateway.target, str(config.gateway.key_file)) == ("gateway:8081", "/run/secrets/camera_key")
    assert (str(config.agent.data_dir), config.agent.metrics_host) == ("/data", "0.0.0.0")  # noqa: S104 - a container's

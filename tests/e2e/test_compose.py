import json
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.composed import Composed, composed
from support.sending_stations import Sent, sending

from flawgate_cli.demo.frames import LabelledFrame, generated_textures
from flawgate_client import Client

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("FLAWGATE_E2E") != "1", reason="takes minutes and a Docker of its own: run `make e2e`"
    ),
    pytest.mark.timeout(3600),
]

OWN = ("gateway", "preprocessing", "decision", "triton")
BEFORE_S, AFTER_S = 3.0, 5.0


@pytest.fixture(scope="module")
def frames() -> list[LabelledFrame]:
    """Textures whose defects are known."""
    return list(generated_textures(24))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """The cluster as `make compose` brings it up."""
    with composed(tmp_path_factory.mktemp("compose")) as under_test:
        yield under_test


@pytest.fixture(scope="module")
def key(cluster: Composed) -> str:
    """An API key for sending frames and reading records."""
    return cluster.make_key("inspect", "read")


def test_all_of_it_is_healthy(cluster: Composed) -> None:
    """When the one command returns, every container is healthy, and none of them was started twice."""
    assert {"gateway", "preprocessing", "decision", "triton", "postgres", "prometheus"} <= cluster.services()
    assert set(cluster.healths().values()) == {"healthy"}
    assert {service: cluster.state(service)["RestartCount"] for service in cluster.services()} == dict.fromkeys(
        cluster.services(), 0
    )


def test_the_demo_s_frames_are_judged_right(cluster: Composed, key: str, frames: list[LabelledFrame]) -> None:
    """With a key, good textures are OK and of twelve defects at most one is missed; without one, nothing is had."""
    with Client(cluster.url, key) as client:
        judged = [(frame.defective, client.inspect(frame.data, "texture").evaluation) for frame in frames]
    assert judged.count((False, "OK")) == len(frames) // 2
    assert judged.count((True, "NOT_OK")) >= len(frames) // 2 - 1
    assert httpx.get(f"{cluster.url}/v1/recipes", trust_env=False).status_code == 401


def test_prometheus_sees_every_service(cluster: Composed) -> None:
    """Each of ours is asked for its metrics, and answers; no rule fails."""
    answer = httpx.get(f"{cluster.prometheus}/api/v1/query", params={"query": "up"}, trust_env=False).json()
    assert {each["metric"]["job"]: each["value"][1] for each in answer["data"]["result"]} == dict.fromkeys(
        (*OWN, "prometheus"), "1"
    )
    groups = httpx.get(f"{cluster.prometheus}/api/v1/rules", trust_env=False).json()["data"]["groups"]
    assert {rule["lastError"] for group in groups for rule in group["rules"] if "lastError" in rule} == set()


def test_no_secret_stands_in_an_environment(cluster: Composed, tmp_path: Path) -> None:
    """What Docker tells of its containers to whoever asks holds no password."""
    secrets = [path.read_text() for path in Path(cluster.environment["FLAWGATE_SECRETS"]).iterdir()]
    assert len(secrets) == 3
    for service in cluster.services():
        told = str(cluster.state(service)["Config"])
        assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize("service", [*OWN, "postgres"])
def test_a_killed_container_costs_no_frame(
    cluster: Composed, key: str, frames: list[LabelledFrame], service: str
) -> None:
    """Under load its process is killed: Docker starts it again; no part is lost, and none is on record twice."""
    with sending(cluster.url, key, frames) as sent:
        time.sleep(BEFORE_S)
        healthy_s = cluster.crash(service)
        time.sleep(AFTER_S)
    _tell(f"{service} killed", sent, healthy_s)
    assert sent.faults(cluster.url, key) == []


def test_a_power_cut_costs_no_frame(cluster: Composed, key: str, frames: list[LabelledFrame]) -> None:
    """Killed all at once, they start in no order, each waiting for those behind it; no part is lost, none is twice."""
    with sending(cluster.url, key, frames) as sent:
        time.sleep(BEFORE_S)
        healthy_s = cluster.crash(*OWN, "postgres")
        time.sleep(AFTER_S)
    _tell("all killed", sent, healthy_s)
    assert sent.faults(cluster.url, key) == []


def test_one_service_is_renewed_in_place(cluster: Composed, key: str, frames: list[LabelledFrame]) -> None:
    """Under load the gateway is replaced by another build of it: no part is lost, and its metrics name the build."""
    prefix, old = _name_of(cluster.state("gateway")["Config"]["Image"])
    built_on = f"FROM {prefix}/gateway:{old}\nENV FLAWGATE_COMMIT=renewed\n"
    cluster.run("docker", "build", "--tag", f"{prefix}/gateway:renewed", "-", text=built_on)
    renewed = {"FLAWGATE_VERSION": "renewed"}
    with sending(cluster.url, key, frames) as sent:
        time.sleep(BEFORE_S)
        began = time.monotonic()
        cluster.compose("up", "--detach", "--no-deps", "--wait", "gateway", environment=renewed)
        healthy_s = time.monotonic() - began
        time.sleep(AFTER_S)
    _tell("gateway renewed", sent, healthy_s)
    assert sent.faults(cluster.url, key) == []
    metrics = cluster.compose("exec", "-T", "gateway", "python", "-c", METRICS, environment=renewed)
    assert 'commit="renewed"' in metrics
    cluster.compose("up", "--detach", "--no-deps", "--wait", "gateway")


def test_versions_of_recipes_are_listed_in_a_container(cluster: Composed) -> None:
    """`flawgate models` runs beside the cluster, on its repository."""
    listed = json.loads(cluster.compose("run", "--rm", "-T", "models", "list", "--json"))
    assert {recipe["name"] for recipe in listed} >= {"commutator", "texture"}


def test_records_and_pictures_come_back_from_a_backup(cluster: Composed, key: str, tmp_path: Path) -> None:
    """What docs/compose.md says brings back a record and its picture, in volumes that were emptied."""
    with Client(cluster.url, key) as client:
        kept = next(iter(client.list()))
        picture = client.picture(kept, "frame")
    cluster.run("scripts/compose_backup.sh", str(tmp_path))
    (backup,) = tmp_path.iterdir()
    cluster.compose("down", "--volumes")
    cluster.compose("up", "--detach", "--wait", "postgres")
    cluster.run("scripts/compose_restore.sh", str(backup))
    cluster.run("scripts/compose_up.sh")
    with Client(cluster.url, key) as client:
        assert client.get(kept.inspection_id).document == kept.document
        assert client.picture(kept, "frame") == picture


def test_a_bundle_is_checked_before_it_is_loaded(cluster: Composed, tmp_path: Path) -> None:
    """What `make bundle` writes loads without a network; where one byte of it is wrong, nothing is loaded."""
    bundle = tmp_path / "bundle"
    cluster.run("scripts/bundle.sh", str(bundle))
    assert not list(bundle.rglob("secrets"))
    assert "Now: " in cluster.run(f"{bundle}/load.sh")
    damaged = min((bundle / "images").iterdir(), key=lambda path: path.stat().st_size)
    _change_a_byte(damaged)
    refused = subprocess.run([bundle / "load.sh"], env=cluster.environment, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout.count("Loaded image")) == (1, 0)
    assert refused.stderr.endswith("The bundle is not whole: copy it here once more.\n")
    shutil.rmtree(bundle)


METRICS = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:9080/metrics').read().decode())"


def _tell(what: str, sent: Sent, healthy_s: float) -> None:
    """Give the numbers of a run to whoever asks for them (`pytest --log-cli-level=INFO`)."""
    answers, again = len(sent.answers), sent.requests - len(sent.answers)
    told = "%s: healthy after %.1f s; %d answers, %d requests sent again, the longest wait %.1f s"
    logging.getLogger(__name__).info(told, what, healthy_s, answers, again, sent.longest_s)


def _name_of(image: str) -> tuple[str, str]:
    name, _, version = image.rpartition(":")
    return name.rpartition("/")[0], version


def _change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

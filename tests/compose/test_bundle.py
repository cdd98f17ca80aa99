import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.compose_file import ROOT, described, mounts, services, variables

IMAGES = {"flawgate/gateway:0.1.0", "postgres:18.6-bookworm"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One in which `docker` is the fake; models are few, secrets are there."""
    folder = tmp_path_factory.mktemp("machine")
    program = folder / "bin/docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/support/fake_docker.py "$@"\n', "utf-8")
    program.chmod(0o755)
    (folder / "models/texture").mkdir(parents=True)
    (folder / "models/texture/config.pbtxt").write_text("a recipe", "utf-8")
    (folder / "models/.flawgate.lock").touch()
    return {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "FAKE_DOCKER_LOG": str(folder / "log"),
        "FLAWGATE_MODELS": str(folder / "models"),
        "COMPOSE_PROFILES": "cpu,cameras",
    }


@pytest.fixture(scope="module")
def whole(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as it was written."""
    folder = tmp_path_factory.mktemp("bundle") / "flawgate"
    subprocess.run([ROOT / "scripts/bundle.sh", folder], cwd=ROOT, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(whole, tmp_path / "bundle")


def load(bundle: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the bundle's own script."""
    command = [bundle / "load.sh"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_all_images_are_loaded(bundle: Path, environment: dict[str, str]) -> None:
    """Each image of the project is in the bundle once, and loaded from there."""
    done = load(bundle, environment)
    assert done.returncode == 0, done.stderr
    assert {f"Loaded image: {image}" for image in IMAGES} == set(done.stdout.splitlines()[:-1])
    assert len(list((bundle / "images").iterdir())) == len(IMAGES)


def test_what_compose_mounts_is_in_it(bundle: Path) -> None:
    """Every file and folder of the repository that a service mounts lies where docker-compose.yml looks for it."""
    volumes = {*described()["volumes"], variables()["FLAWGATE_WHEELS"]}
    wanted = {here for name in services() for here, _ in mounts(name) if here not in volumes}
    assert variables()["FLAWGATE_MODELS"] in wanted
    assert [here for here in sorted(wanted) if not (bundle / here).exists()] == []
    assert (bundle / "scripts/compose_up.sh").stat().st_mode & 0o111


def test_models_and_profiles_are_those_that_were_asked_for(bundle: Path) -> None:
    """The models that were named are in it, and .env chooses what was chosen."""
    assert sorted(path.name for path in (bundle / "model_repository").iterdir()) == ["texture"]
    lines = (bundle / ".env").read_text("utf-8").splitlines()
    assert "COMPOSE_PROFILES=cpu,cameras" in lines
    assert "FLAWGATE_MODELS=./model_repository" in lines


def test_no_secret_goes_along(bundle: Path) -> None:
    """Each machine makes its own."""
    assert not (bundle / "compose/secrets").exists()
    assert (bundle / "compose/cameras").is_dir()


@pytest.mark.parametrize(
    "place", ["images/postgres_18.6-bookworm.tar.gz", "model_repository/texture/config.pbtxt", "scripts/compose_up.sh"]
)
@pytest.mark.parametrize("fault", ["missing", "cut", "changed"])
def test_of_a_damaged_bundle_nothing_is_loaded(
    bundle: Path, environment: dict[str, str], place: str, fault: str
) -> None:
    """A file that is missing, cut short or has another byte is named, and Docker is not asked for anything."""
    path = bundle / place
    content = path.read_bytes()
    path.unlink()
    if fault != "missing":
        path.write_bytes(content[:-1] if fault == "cut" else bytes([content[0] ^ 1, *content[1:]]))
    done = load(bundle, environment)
    assert (done.returncode, done.stdout.count("Loaded")) == (1, 0)
    assert place in done.stdout + done.stderr
    assert done.stderr.endswith("The bundle is not whole: copy it here once more.\n")


@pytest.mark.parametrize("place", ["images/zz.tar.gz", "docker-compose.override.yml", "monitoring/rules/more.yml"])
def test_of_a_bundle_with_more_than_was_in_it_nothing_is_loaded(
    bundle: Path, environment: dict[str, str], place: str
) -> None:
    """No checksum vouches for it: Compose would take it by its name, and Docker an image under the name of ours."""
    shutil.copy(next((bundle / "images").iterdir()), bundle / place)
    done = load(bundle, environment)
    assert (done.returncode, done.stdout.count("Loaded")) == (1, 0)
    assert done.stderr.endswith(f"\n./{place}\n")


def test_a_folder_that_is_no_bundle_is_not_replaced(environment: dict[str, str], tmp_path: Path) -> None:
    """Whoever names the wrong folder keeps what is in it."""
    (tmp_path / "mine").touch()
    done = subprocess.run([ROOT / "scripts/bundle.sh", tmp_path], cwd=ROOT, env=environment, check=False)
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (1, ["mine"])

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flawgate_cli.local_cluster.layout import KEEP_BUFFERS

ROOT = Path(__file__).parents[2]

UV = shutil.which("uv") or str(ROOT / ".tools/uv/bin/uv")

DOCKERFILES = {path.parent.name: path for path in [*ROOT.glob("services/*/Dockerfile"), ROOT / "training/Dockerfile"]}

SERVICES = ("camera", "decision", "gateway", "preprocessing", "training", "triton")

SERVING = ("camera", "decision", "gateway", "preprocessing")

WITHOUT_VIDEO = ("decision", "gateway", "preprocessing")

every_service = pytest.mark.parametrize("service", SERVICES)
every_serving_image = pytest.mark.parametrize("service", SERVING)


def instructions(service: str) -> list[tuple[str, str]]:
    """Name and arguments of each instruction, continued lines joined, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILES[service].read_text("utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines if line.strip()]


def final_stage(service: str, name: str) -> list[str]:
    """Arguments of all instructions of a name in the stage that becomes the image."""
    found = instructions(service)
    start = max(place for place, (instruction, _) in enumerate(found) if instruction == "FROM")
    return [arguments for instruction, arguments in found[start:] if instruction == name]


def exported(service: str) -> str:
    """What the lock says is installed, as requirements, by the very options that the Dockerfile gives to uv."""
    (command,) = {
        command
        for instruction, arguments in instructions(service)
        if instruction == "RUN" and "--no-install-workspace" in arguments
        for command in arguments.split("&&")
    }
    options = [word for word in shlex.split(command)[2:] if word != "--no-install-workspace"]
    export = [UV, "export", "--quiet", "--offline", "--no-hashes", "--no-header", "--no-annotate", *options]
    return subprocess.run(export, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def members_copied(service: str) -> set[str]:
    """Folders of the workspace that are copied into the build, as `services/gateway`."""
    copies = (arguments.split() for instruction, arguments in instructions(service) if instruction == "COPY")
    return {source for source, *_ in copies if source == "training" or re.fullmatch(r"services/\w+", source)}


def test_every_service_has_a_dockerfile() -> None:
    """Each service that is deployed has a Dockerfile, and the script that builds them all knows it."""
    assert sorted(DOCKERFILES) == sorted(SERVICES)
    script = (ROOT / "scripts/build_images.sh").read_text("utf-8")
    (known,) = re.findall(r"set -- (.+); fi", script)
    assert sorted(known.split()) == sorted(SERVICES)


@every_service
def test_images_run_as_a_numeric_user_that_is_not_root(service: str) -> None:
    """Kubernetes can tell that the user is not root only by its number."""
    assert final_stage(service, "USER") == ["10001:10001"]


@every_service
def test_health_is_checked(service: str) -> None:
    """Every service is asked for its health, without a shell; a job is not."""
    (check,) = final_stage(service, "HEALTHCHECK")
    if service == "training":
        assert check == "NONE"
    else:
        command = json.loads(check.partition("CMD ")[2])
        assert command[0] == "python"


@pytest.mark.parametrize("service", ["gateway", "preprocessing", "decision"])
def test_health_is_asked_by_tls_where_a_service_has_it(service: str) -> None:
    """The check reads the service's own settings, so that the same image is well with and without certificates."""
    (check,) = final_stage(service, "HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[:3] == ["python", "-m", "flawgate_contracts.probe"]
    assert command[4:] == [f"--settings={service.upper()}"]
    assert f"{service.upper()}_PORT" in command[3]


@every_service
def test_entry_points_need_no_shell(service: str) -> None:
    """The service itself is process 1, so that SIGTERM reaches it."""
    (entry,) = final_stage(service, "ENTRYPOINT")
    commands = [json.loads(command) for command in (entry, *final_stage(service, "CMD"))]
    assert commands[0][0] in {"python", "flawgate"}
    assert final_stage(service, "STOPSIGNAL") == ["SIGTERM"]


@every_service
def test_the_labels_say_what_it_is(service: str) -> None:
    """The labels of the OCI name source, version, revision and licence; the commit goes to the metrics as well."""
    (labels,) = final_stage(service, "LABEL")
    said = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    assert sorted(said) == ["description", "licenses", "revision", "source", "title", "version"]
    assert (said["title"], said["licenses"]) == (f"flawgate-{service}", "Apache-2.0")
    assert (said["version"], said["revision"]) == ("${FLAWGATE_VERSION}", "${FLAWGATE_COMMIT}")
    assert "FLAWGATE_COMMIT=${FLAWGATE_COMMIT}" in final_stage(service, "ENV")


@every_service
def test_what_is_built_on_is_pinned(service: str) -> None:
    """Bases are a build argument with a version, never latest; uv has the version of this repository's own; no ADD."""
    found = instructions(service)
    arguments = dict(argument.split("=", 1) for name, argument in found if name == "ARG" and "=" in argument)
    assert arguments["PYTHON_IMAGE"] == "python:3.11-slim-bookworm"
    stages = {argument.partition(" AS ")[2] for name, argument in found if name == "FROM"} - {""}
    bases = {argument.partition(" AS ")[0] for name, argument in found if name == "FROM"}
    assert bases <= {"${PYTHON_IMAGE}", "scratch", *stages}
    (bootstrapped,) = re.findall(
        r'^version="(.+)"$', (ROOT / "scripts/bootstrap_uv.sh").read_text("utf-8"), re.MULTILINE
    )
    assert {bootstrapped} == set(re.findall(r"uv==(\S+)", DOCKERFILES[service].read_text("utf-8")))
    assert "ADD" not in {name for name, _ in found}


@every_service
def test_what_is_installed_is_locked(service: str) -> None:
    """Every `uv sync` takes the lock as it is, and leaves out what only developers need."""
    runs = " && ".join(arguments for name, arguments in instructions(service) if name == "RUN")
    syncs = [command for command in runs.split("&&") if " sync " in command]
    assert len(syncs) == 2
    for sync in syncs:
        assert {"--frozen", "--no-dev"} <= set(shlex.split(sync))


@pytest.mark.parametrize("service", [*SERVING, "training"])
def test_just_the_members_that_it_needs_are_copied(service: str) -> None:
    """The build sees those packages of the workspace that are installed, and no other."""
    installed = set(re.findall(r"^-e \./(\S+)$", exported(service), re.MULTILINE))
    assert installed == members_copied(service)


@every_serving_image
def test_no_training_in_serving(service: str) -> None:
    """An image that serves holds neither torch nor onnx nor CUDA."""
    names = set(re.findall(r"^([a-z0-9-]+)==", exported(service), re.MULTILINE))
    assert "grpcio" in names
    assert not {name for name in names if name in {"torch", "torchvision", "onnx", "lightning"} or "nvidia" in name}


@every_serving_image
def test_buffers_are_kept_as_on_one_machine(service: str) -> None:
    """Settings of glibc are those that `flawgate up` gives to its processes."""
    environment = " ".join(final_stage(service, "ENV")).split()
    assert {f"{name}={value}" for name, value in KEEP_BUFFERS.items()} <= set(environment)


@every_serving_image
def test_the_world_s_certificates_are_found(service: str) -> None:
    """A root without Debian's /usr/lib/ssl is told where the roots of TLS are, which it carries."""
    (carried,) = re.findall(r'"(/etc/ssl/\S+)"', (ROOT / "scripts/image/root.py").read_text("utf-8"))
    assert f"SSL_CERT_FILE={carried}" in " ".join(final_stage(service, "ENV")).split()


@pytest.mark.parametrize("service", WITHOUT_VIDEO)
def test_no_video_is_opened_where_ffmpeg_was_taken_out(service: str) -> None:
    """Of the packages in an image without FFmpeg none opens a video: that would end the process."""
    assert "scripts/image/no_video.sh" in DOCKERFILES[service].read_text("utf-8")
    assert not list(video_openers(members_copied(service)))


def video_openers(members: set[str]) -> Iterator[Path]:
    """Source files that name OpenCV's doors to FFmpeg."""
    for member in sorted(members):
        for path in (ROOT / member).glob("flawgate*/**/*.py"):
            if re.search(r"\b(VideoCapture|VideoWriter)\b", path.read_text("utf-8")):
                yield path


def test_the_search_for_openers_finds_them() -> None:
    """The camera agent, which keeps FFmpeg, is where videos are opened."""
    assert list(video_openers({"services/camera"}))
    assert "no_video.sh" not in DOCKERFILES["camera"].read_text("utf-8")


def test_the_build_context_is_small() -> None:
    """All is left out but what is named: no history, data, model, run or environment gets into a build."""
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {"LICENSE", "pyproject.toml", "uv.lock", "scripts/image", "services", "training"}
    assert {"**/.venv", "**/__pycache__"} <= set(lines)

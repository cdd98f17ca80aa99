import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder that passes for a model repository: nothing here gets as far as reading it."""
    folder = tmp_path / "repository"
    (folder / "model").mkdir(parents=True)
    return folder


def refusal(python: Path, arguments: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """What the launcher says on stderr as it refuses with exit code 2; nothing may stand on stdout."""
    command = [str(python), "-m", "flawgate_triton", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize("option", ["--http-port", "--grpc-port", "--metrics-port"])
def test_a_port_in_use_is_named_with_its_option(triton_python: Path, repository: Path, option: str) -> None:
    """A port that somebody listens on is refused before Triton starts, with the option that changes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = refusal(triton_python, [f"--model-repository={repository}", f"{option}={port}"])
    assert said == (
        f"flawgate_triton: Port {port} on 127.0.0.1 cannot be used (Address already in use): "
        f"free it, or choose another with {option}.\n"
    )


def test_one_port_for_two_doors_is_refused(triton_python: Path, repository: Path) -> None:
    """Two options with the same port are named."""
    said = refusal(triton_python, [f"--model-repository={repository}", "--http-port=8125", "--metrics-port=8125"])
    assert said == "flawgate_triton: --http-port and --metrics-port are both 8125: give each its own port.\n"


def test_a_missing_repository_is_named(triton_python: Path, tmp_path: Path) -> None:
    """A folder that is not there is no repository."""
    said = refusal(triton_python, [f"--model-repository={tmp_path / 'absent'}"])
    assert said == (
        f"flawgate_triton: The model repository '{tmp_path / 'absent'}' is not a folder: "
        "give one with --model-repository.\n"
    )


def test_an_empty_repository_is_named(triton_python: Path, tmp_path: Path) -> None:
    """A folder without a model is not served."""
    said = refusal(triton_python, [f"--model-repository={tmp_path}"])
    assert said == f"flawgate_triton: The model repository '{tmp_path}' holds no model: export one into it first.\n"


def test_a_space_in_a_models_name_is_refused(triton_python: Path, repository: Path) -> None:
    """Triton would never finish loading such a model, so it is refused at once."""
    (repository / "my model").mkdir()
    said = refusal(triton_python, [f"--model-repository={repository}"])
    assert said == (
        f"flawgate_triton: The model 'my model' in '{repository}' has a space in its name: rename its folder.\n"
    )


def test_a_space_in_the_temporary_folder_is_refused(triton_python: Path, repository: Path, tmp_path: Path) -> None:
    """Triton would never start its workers there, so it is refused at once; nothing is left in the folder."""
    spaced = tmp_path / "a folder"
    spaced.mkdir()
    said = refusal(triton_python, [f"--model-repository={repository}"], {"TMPDIR": str(spaced)})
    assert said.startswith(f"flawgate_triton: The temporary folder '{spaced}/flawgate_triton_")
    assert said.endswith("' has a space in its path: set TMPDIR to one without.\n")
    assert list(spaced.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: --model-repository"),
        (
            ["--model-repository=x", "--http-port=70000"],
            "argument --http-port: '70000' is no port, give a number from 1 to 65535",
        ),
        (
            ["--model-repository=x", "--trace-url=collector:4318"],
            "argument --trace-url: 'collector:4318' is no URL of a collector, give http://HOST:4318/v1/traces",
        ),
        (
            ["--model-repository=x", "--host=localhost"],
            "argument --host: 'localhost' is no IPv4 address, give one such as 127.0.0.1",
        ),
        (
            ["--model-repository=x", "--threads=0"],
            "argument --threads: '0' is too small, give a whole number from 1 on",
        ),
        (
            ["--model-repository=x", "--ready-timeout=nan"],
            "argument --ready-timeout: 'nan' is no duration, give seconds above 0",
        ),
        (["--model-repository=x", "--load-model=y"], "--load-model needs --model-control explicit"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(triton_python: Path, arguments: list[str], sentence: str) -> None:
    """No usage is printed, only what is wrong."""
    assert refusal(triton_python, arguments) == f"flawgate_triton: {sentence}; see --help\n"

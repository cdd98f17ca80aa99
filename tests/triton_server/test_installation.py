import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

PROGRAM = """
import pathlib
from flawgate_triton import installation, shared_memory
from flawgate_triton.errors import LaunchError
try:
    print({call})
except LaunchError as error:
    print(f"{{error.exit_code}} {{error}}")
"""

IN_PROCESS = "let the decision service open the model repository in process instead."
OR_ELSE = "(Debian, Ubuntu) or python3.99-libs (Fedora), or use a Python that uv installs."


def outcome(python: Path, call: str) -> str:
    """What a call of the package, in its own environment, returns, or its exit code and sentence."""
    done = subprocess.run([str(python), "-c", PROGRAM.format(call=call)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("installation.check_platform('Linux', 'x86_64')", "None"),
        (
            "installation.check_platform('Darwin', 'arm64')",
            "2 Triton from PyPI runs on Linux x86_64 only, this is Darwin arm64: " + IN_PROCESS,
        ),
        ("installation.check_python((3, 12))", "None"),
        (
            "installation.check_python((3, 13))",
            "2 Triton from PyPI is run with Python 3.11 or 3.12 here, this is 3.13.",
        ),
        ("installation.check_numpy('1.26.4')", "None"),
        (
            "installation.check_numpy('2.0.0')",
            "2 Triton's Python backend needs numpy below 2, this environment has 2.0.0: run uv sync.",
        ),
        (
            "installation.package_version('nvidia-pytriton-absent')",
            "2 The package nvidia-pytriton-absent is not installed in this environment: run uv sync.",
        ),
        (
            "installation.libpython_folders((3, 99), [])",
            "2 libpython3.99.so.1.0 is missing: install the package libpython3.99 " + OR_ELSE,
        ),
        (
            "shared_memory.check_shared_memory(pathlib.Path('/absent'))",
            "2 /absent is missing: Triton passes tensors through it, mount a tmpfs there.",
        ),
    ],
)
def test_what_triton_needs_is_checked_with_one_sentence(triton_python: Path, call: str, expected: str) -> None:
    """Each condition passes silently or says what is wrong and what to do."""
    assert outcome(triton_python, call) == expected


def test_a_private_libpython_is_found_in_its_folder(triton_python: Path, tmp_path: Path) -> None:
    """The folder that holds the library is what the dynamic linker must search."""
    (tmp_path / "libpython3.99.so.1.0").touch()
    call = f"installation.libpython_folders((3, 99), [pathlib.Path('/absent'), pathlib.Path('{tmp_path}')])"
    assert outcome(triton_python, call) == str((tmp_path,))


def test_the_environment_itself_passes_every_check(triton_python: Path) -> None:
    """The locked environment has the parts of Triton that the launcher starts."""
    call = "all(p.exists() for p in (lambda i: (i.binary, i.python_backend, i.stub))(installation.find_installation()))"
    assert outcome(triton_python, call) == "True"

"""Finds the parts of the nvidia-pytriton wheel and says in one sentence why Triton cannot run here."""

import ctypes.util
import os
import platform
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from flawgate_triton.errors import LaunchError

SUPPORTED_PLATFORM = ("Linux", "x86_64")
SUPPORTED_PYTHONS = ((3, 11), (3, 12))


@dataclass(frozen=True)
class Installation:
    """Where the parts of a working Triton lie.

    Attributes:
        binary: the `tritonserver` program.
        python_backend: folder of Triton's Python backend (its library and `triton_python_backend_utils.py`).
        stub: the backend's worker program for the running Python; it embeds an interpreter.
        library_folders: what the dynamic linker must search for the binary and the stub.
        python_folder: folder of this environment's `python3`; the embedded interpreter finds its packages by it.
    """

    binary: Path
    python_backend: Path
    stub: Path
    library_folders: tuple[Path, ...]
    python_folder: Path


def find_installation() -> Installation:
    """The Triton of this environment.

    Raises:
        LaunchError: the platform, the Python, numpy, the wheel or libpython is not what Triton needs.
    """
    version = (sys.version_info.major, sys.version_info.minor)
    check_platform(platform.system(), platform.machine())
    check_python(version)
    check_numpy(package_version("numpy"))
    package_version("nvidia-pytriton")
    wheel = Path(str(metadata.distribution("nvidia-pytriton").locate_file("")))
    triton = wheel / "pytriton" / "tritonserver"
    binary = triton / "bin" / "tritonserver"
    if not os.access(binary, os.X_OK):
        raise LaunchError(f"{binary} is missing or may not be executed: install nvidia-pytriton again, elsewhere.")
    return Installation(
        binary=binary,
        python_backend=triton / "backends" / "python",
        stub=triton / "python_backend_stubs" / "{}.{}".format(*version) / "triton_python_backend_stub",
        library_folders=(wheel / "nvidia_pytriton.libs", *libpython_folders(version)),
        python_folder=Path(sys.executable).parent,
    )


def check_platform(system: str, machine: str) -> None:
    """Raises `LaunchError` where the wheel's binary does not run, e.g. `("Darwin", "arm64")`."""
    if (system, machine) != SUPPORTED_PLATFORM:
        raise LaunchError(
            f"Triton from PyPI runs on Linux x86_64 only, this is {system} {machine}: "
            "let the decision service open the model repository in process instead."
        )


def check_python(version: tuple[int, int]) -> None:
    """Raises `LaunchError` where the wheel's Python backend does not support this Python, e.g. `(3, 13)`."""
    if version not in SUPPORTED_PYTHONS:
        major, minor = version
        raise LaunchError(f"Triton from PyPI is run with Python 3.11 or 3.12 here, this is {major}.{minor}.")


def check_numpy(version: str) -> None:
    """Raises `LaunchError` under numpy 2, where the wheel's stub hands back empty tensors without an error."""
    if int(version.partition(".")[0]) >= 2:
        raise LaunchError(f"Triton's Python backend needs numpy below 2, this environment has {version}: run uv sync.")


def package_version(name: str) -> str:
    """The version of an installed package. Raises `LaunchError` where it is absent."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        raise LaunchError(f"The package {name} is not installed in this environment: run uv sync.") from None


def libpython_folders(version: tuple[int, int], candidates: Iterable[Path] | None = None) -> tuple[Path, ...]:
    """Folders that the linker must be told to find `libpythonX.Y.so.1.0`; none where the system's own will do.

    Args:
        version: of the running Python, major and minor.
        candidates: folders to look into; by default where this Python keeps its libraries.

    Raises:
        LaunchError: the library is nowhere, as with a Python that was built without `--enable-shared`.
    """
    name = "python{}.{}".format(*version)
    for folder in _own_library_folders() if candidates is None else candidates:
        if (folder / f"lib{name}.so.1.0").is_file():
            return (folder,)
    if ctypes.util.find_library(name) is None:
        raise LaunchError(
            f"lib{name}.so.1.0 is missing: install the package lib{name} (Debian, Ubuntu) or {name}-libs (Fedora), "
            "or use a Python that uv installs."
        )
    return ()


def _own_library_folders() -> Iterable[Path]:
    return (Path(str(sysconfig.get_config_var("LIBDIR"))), Path(sys.base_prefix) / "lib")

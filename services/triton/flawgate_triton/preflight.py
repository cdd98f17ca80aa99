"""What can be known to fail before Triton is started: the repository, the ports."""

import socket
from collections.abc import Mapping
from pathlib import Path

from flawgate_triton.errors import LaunchError


def check_repository(folder: Path) -> None:
    """Raises `LaunchError` unless `folder` holds at least one folder, i.e. one model."""
    if not folder.is_dir():
        raise LaunchError(f"The model repository {str(folder)!r} is not a folder: give one with --model-repository.")
    models = [entry.name for entry in folder.iterdir() if entry.is_dir()]
    if not models:
        raise LaunchError(f"The model repository {str(folder)!r} holds no model: export one into it first.")
    for name in models:
        if has_space(name):
            raise LaunchError(f"The model {name!r} in {str(folder)!r} has a space in its name: rename its folder.")


def has_space(path: Path | str) -> bool:
    """Whether Triton would split `path` in two: it passes paths to the stubs through a shell, without quotes."""
    return any(character.isspace() for character in str(path))


def check_ports(host: str, ports: Mapping[str, int]) -> None:
    """Raises `LaunchError` where a port cannot be bound.

    Args:
        host: IPv4 address to bind to.
        ports: by the option that sets them, e.g. `{"--http-port": 8000}`.
    """
    taken: dict[int, str] = {}
    for option, port in ports.items():
        if port in taken:
            raise LaunchError(f"{taken[port]} and {option} are both {port}: give each its own port.")
        taken[port] = option
        try:
            _bind(host, port)
        except OSError as error:
            raise LaunchError(
                f"Port {port} on {host} cannot be used ({error.strerror}): free it, or choose another with {option}."
            ) from None


def _bind(host: str, port: int) -> None:
    """Binds and lets go again. A port that only lingers after a closed connection counts as free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))

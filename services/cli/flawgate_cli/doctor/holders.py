"""Who listens on a port of this machine."""

import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from flawgate_cli.local_cluster.layout import LOOPBACK

_SERVICE = re.compile(r"\bflawgate_(gateway|preprocessing|decision|triton)\b")
_TRITON = "tritonserver"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens on a port.

    Attributes:
        says: names it for people; a process of another user has no more than that.
        service: gateway, preprocessing, decision or triton; empty where it is none of them.
        environment: that it was started with; empty where it may not be read.
        folder: that its relative paths begin in; None where it may not be read.
    """

    says: str
    service: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None


def listening(ports: Iterable[int]) -> dict[int, Holder]:
    """Those of the ports that somebody listens on."""
    wanted = set(ports)
    found = {port: _holder(pid) for port, pid in _sockets() if port in wanted}
    # Without the rights to list sockets, and in some containers, only a call tells.
    hidden = {port: _holder(None) for port in wanted - found.keys() if _answers(port)}
    return {**hidden, **found}


def _sockets() -> Iterator[tuple[int, int | None]]:
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, OSError):
        return
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            yield connection.laddr.port, connection.pid


def _holder(pid: int | None) -> Holder:
    try:
        process = psutil.Process(pid) if pid is not None else None
        if process is None:
            return Holder("a process of another user")
        name, command = process.name(), " ".join(process.cmdline())
        says = f"{name} (process {pid}, user {process.username()})"
    except psutil.Error:
        return Holder(f"process {pid}")
    match = _SERVICE.search(command)
    service = "triton" if name == _TRITON else match.group(1) if match else ""
    if not service:
        return Holder(says)
    try:
        return Holder(says, service, process.environ(), Path(process.cwd()))
    except (psutil.Error, OSError):
        return Holder(says, service)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0

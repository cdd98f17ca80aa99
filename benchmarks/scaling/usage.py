"""Processor time: of each service with its children, of the sender, and of everybody else on this machine.

Where the machine is a virtual one, "everybody else" is also who runs beside it, as far as its host tells (steal).
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import psutil

from flawgate_cli.local_cluster.cluster import LocalCluster
from scaling.calibration import SERVICES, ServiceName


@dataclass(frozen=True, slots=True)
class Usage:
    """As it stood at a moment."""

    at_s: float
    """On the monotonic clock."""
    services_s: Mapping[ServiceName, float]
    """Core-seconds since their start."""
    machine_s: float
    """Core-seconds that all processes have used since the machine's start, and that its host gave to others."""

    @classmethod
    def now(cls, cluster: LocalCluster) -> Self:
        """That of a cluster on this machine, whose sender is this process."""
        pids = {name: os.getpid() if name == "client" else cluster.pid(name) for name in SERVICES}
        whole = psutil.cpu_times()
        busy_s = whole.user + whole.nice + whole.system + whole.irq + whole.softirq + whole.steal
        return cls(time.monotonic(), {name: _tree_s(name, pid) for name, pid in pids.items()}, busy_s)

    def since(self, before: "Usage") -> "Spent":
        """What was used in between."""
        used = {name: self.services_s[name] - before.services_s[name] for name in SERVICES}
        return Spent(self.at_s - before.at_s, used, max(0.0, self.machine_s - before.machine_s - sum(used.values())))


@dataclass(frozen=True, slots=True)
class Spent:
    """In a stretch of time."""

    seconds: float
    services_s: Mapping[ServiceName, float]
    """Core-seconds."""
    others_s: float
    """Core-seconds of whoever else runs here."""

    @property
    def others(self) -> float:
        """Cores that others used, on average."""
        return self.others_s / self.seconds

    def a_frame(self, frames: int) -> dict[ServiceName, float]:
        """Service → core-seconds a frame."""
        return {name: used / frames for name, used in self.services_s.items()}


def _tree_s(name: ServiceName, pid: int) -> float:
    root = psutil.Process(pid)
    # The sender's children are the services.
    return sum(map(_own_s, [root] if name == "client" else [root, *root.children(recursive=True)]))


def _own_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)

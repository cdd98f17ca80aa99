"""The cluster on this machine: starts all processes, keeps them running, stops them all."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from flawgate_cli.local_cluster.layout import Layout, ProcessSpec, check_ports, process_specs
from flawgate_cli.local_cluster.process import Process, Say
from flawgate_contracts.errors import RequestCancelled, Unavailable

STOP_TIMEOUT_S = 20.0
POLL_S = 0.2
MAX_RESTARTS = 5
RESTART_WINDOW_S = 60.0
MAX_BACKOFF_S = 5.0

Stopped = Callable[[float], bool]
"""Waits for so many seconds, or less where the cluster is to stop, and says whether it is."""


def never(seconds: float) -> bool:
    """Nobody stops the cluster but by an exception."""
    time.sleep(seconds)
    return False


class LocalCluster:
    """All processes of a layout. A process that ends by itself is started again, up to 5 times a minute."""

    def __init__(self, layout: Layout, say: Say) -> None:
        self._layout = layout
        self._say = say
        self._specs = process_specs(layout)
        self._processes: dict[str, Process] = {}
        # One client for all questions: making one reads the machine's certificates, which takes longer than to ask.
        self._http = httpx.Client(base_url=layout.url, timeout=5.0, trust_env=False)
        self._restarts: dict[str, deque[float]] = {spec.name: deque() for spec in self._specs}

    def pid(self, name: str) -> int:
        """Number of one of the processes: triton, preprocessing, decision or gateway."""
        return self._processes[name].pid

    def start(self, timeout_s: float, stopped: Stopped = never) -> None:
        """Start all processes and wait until a frame can be inspected.

        Raises:
            Unavailable: a port is taken, a process ended, or not all were ready in time; says which and what it said.
            RequestCancelled: `stopped` said so before.
        """
        check_ports(self._layout)
        for spec in self._specs:
            self._start(spec)
        deadline = time.monotonic() + timeout_s
        while not self._is_ready():
            for name, process in self._processes.items():
                if process.returncode() is not None:
                    raise Unavailable(_death_sentence(name, process))
            if time.monotonic() > deadline:
                raise Unavailable(f"The cluster was not ready after {timeout_s:g} s; {self._missing()}.")
            if stopped(POLL_S):
                raise RequestCancelled("The cluster was stopped before it was ready.")

    def watch(self, stopped: Stopped) -> None:
        """Keep all processes running until `stopped` says so.

        Raises:
            Unavailable: a process ended again and again.
        """
        while not stopped(POLL_S):
            for name, process in list(self._processes.items()):
                if process.returncode() is not None and self._may_restart(name, process, stopped):
                    self._start(process.spec)

    def stop(self) -> None:
        """Stop all processes, the last started first, and wait for their end."""
        for process in reversed(self._processes.values()):
            process.terminate()
        for process in self._processes.values():
            process.end(STOP_TIMEOUT_S)
        self._processes.clear()
        self._http.close()

    def _start(self, spec: ProcessSpec) -> None:
        self._processes[spec.name] = Process(spec, self._say)

    def _may_restart(self, name: str, process: Process, stopped: Stopped) -> bool:
        """Wait before a process is started again, longer with every time that it ended lately; False to stop."""
        lately = self._restarts[name]
        while lately and time.monotonic() - lately[0] > RESTART_WINDOW_S:
            lately.popleft()
        if len(lately) >= MAX_RESTARTS:
            raise Unavailable(f"{_death_sentence(name, process)}\nIt was started {MAX_RESTARTS} times within a minute.")
        self._say(name, f"ended with status {process.returncode()}; it is started again")
        lately.append(time.monotonic())
        return not stopped(min(MAX_BACKOFF_S, 0.5 * 2 ** (len(lately) - 1)))

    def _is_ready(self) -> bool:
        return self._readiness().get("ready") is True

    def _missing(self) -> str:
        services = self._readiness().get("services")
        if not isinstance(services, dict):
            return "the gateway does not answer"
        return f"not ready: {', '.join(name for name, ready in services.items() if not ready)}"

    def _readiness(self) -> dict[str, object]:
        """What the gateway says of the cluster; empty when it does not answer."""
        try:
            facts: dict[str, object] = self._http.get("/readyz").json()
        except httpx.TransportError:
            return {}
        return facts


def _death_sentence(name: str, process: Process) -> str:
    said = "\n".join(f"  {line}" for line in process.last_lines) or "  (nothing)"
    return f"The process {name} ended with status {process.returncode()}. It last said:\n{said}"


@contextmanager
def running_cluster(
    layout: Layout, say: Say, *, ready_timeout_s: float, stopped: Stopped = never
) -> Iterator[LocalCluster]:
    """A cluster that is ready, for as long as the block runs.

    Raises:
        Unavailable: it did not get ready.
        RequestCancelled: `stopped` said so before it was ready.
    """
    cluster = LocalCluster(layout, say)
    try:
        cluster.start(ready_timeout_s, stopped)
        yield cluster
    finally:
        cluster.stop()

"""The processes of `flawgate up`, each of which a test may kill, freeze, and start again."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import httpx
import psutil

from flawgate_cli.local_cluster.layout import Layout, ProcessSpec, process_specs
from flawgate_cli.local_cluster.process import Process
from support.traffic import is_ready

READY_TIMEOUT_S = 120.0
END_TIMEOUT_S = 20.0


class RestartableCluster:
    """A cluster whose processes nobody starts again but the test."""

    def __init__(self, layout: Layout, settings: Mapping[str, Mapping[str, object]]) -> None:
        """A cluster that does not run yet.

        Args:
            layout: where.
            settings: service → further settings, by environment variable.
        """
        self.layout = layout
        self.lines: list[str] = []
        self._specs = {spec.name: _with(spec, settings.get(spec.name, {})) for spec in process_specs(layout)}
        self._processes: dict[str, Process] = {}
        self.http = httpx.Client(base_url=layout.url, timeout=30, trust_env=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the processes, in the order of their start."""
        return tuple(self._specs)

    def start(self, name: str, **settings: object) -> None:
        """Start a process that does not run. `settings`: for this time, by environment variable."""
        spec = _with(self._specs[name], settings)
        self._processes[name] = Process(spec, lambda name, line: self.lines.append(f"{name}: {line}"))

    def stop(self, name: str) -> None:
        """SIGTERM, as Kubernetes does; waits for the end."""
        process = self._processes.pop(name)
        process.terminate()
        process.end(END_TIMEOUT_S)

    def kill(self, name: str) -> None:
        """SIGKILL to a process and its children."""
        self._signal(name, signal.SIGKILL)
        self._processes.pop(name).end(END_TIMEOUT_S)

    def restart(self, name: str, **settings: object) -> None:
        """In order, and as fast as it goes."""
        self.stop(name)
        self.start(name, **settings)

    def freeze(self, name: str) -> None:
        """It hangs: connections stand, nobody answers."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """It goes on."""
        self._signal(name, signal.SIGCONT)

    def wait_until_ready(self) -> None:
        """Wait until frames can be inspected; fails where they cannot in time."""
        wait_until(lambda: is_ready(self.http), READY_TIMEOUT_S, lambda: "\n".join(self.lines[-40:]))

    def close(self) -> None:
        """End all processes."""
        for name in reversed(list(self._processes)):
            self.thaw(name)
            self._processes[name].terminate()
        for process in self._processes.values():
            process.end(END_TIMEOUT_S)
        self._processes.clear()
        self.http.close()

    def _signal(self, name: str, number: signal.Signals) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader = psutil.Process(self._processes[name].pid)
            for process in (leader, *leader.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)


@contextmanager
def restartable_cluster(layout: Layout, settings: Mapping[str, Mapping[str, object]]) -> Iterator[RestartableCluster]:
    """All processes, running and ready; ended with the block."""
    cluster = RestartableCluster(layout, settings)
    try:
        for name in cluster.names:
            cluster.start(name)
        cluster.wait_until_ready()
        yield cluster
    finally:
        cluster.close()


def wait_until(holds: Callable[[], bool], timeout_s: float, said: Callable[[], str]) -> None:
    """Wait until something holds; fails with what was said where it does not in time."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, said()
        time.sleep(0.1)


def _with(spec: ProcessSpec, settings: Mapping[str, object]) -> ProcessSpec:
    named = {name: str(value) for name, value in settings.items()}
    return replace(spec, environment={**spec.environment, **named})

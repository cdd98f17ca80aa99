"""One child process: started, its lines passed on, ended for sure."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable

from flawgate_cli.local_cluster.layout import ProcessSpec

PR_SET_PDEATHSIG = 1
LAST_LINES = 20

Say = Callable[[str, str], object]
"""Takes the name of a process and a line that it wrote."""


class Process:
    """Runs a `ProcessSpec`. It dies with its parent, even if the parent is killed (on Linux)."""

    def __init__(self, spec: ProcessSpec, say: Say) -> None:
        self.spec = spec
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._say = say
        self._child = subprocess.Popen(  # noqa: S603  # our own services
            spec.command,
            env={**os.environ, **spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C in the terminal goes to us alone; we stop the children, in order.
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # one prctl, no locks
        )
        self._reader = threading.Thread(target=self._pass_lines_on, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._child.pid

    def returncode(self) -> int | None:
        """Exit status; None while it runs."""
        return self._child.poll()

    def terminate(self) -> None:
        """Ask it to end."""
        if self._child.poll() is None:
            self._child.terminate()

    def end(self, timeout_s: float) -> None:
        """Wait for its end, and kill it when it takes too long."""
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        self._reader.join(timeout_s)
        if self._child.stdout is not None:
            self._child.stdout.close()

    def _pass_lines_on(self) -> None:
        assert self._child.stdout is not None  # noqa: S101  # a pipe was asked for above
        with self._child.stdout as lines:
            for line in lines:
                self.last_lines.append(line.rstrip("\n"))
                self._say(self.spec.name, line.rstrip("\n"))


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

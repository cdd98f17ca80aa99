"""Starts tritonserver and sees to its end, in a process of its own: the launcher may be killed at any time."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from flawgate_triton.command import EXIT_TIMEOUT_S

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h: a process gets a signal when its parent ends."""

PR_SET_CHILD_SUBREAPER = 36
"""From linux/prctl.h: descendants whose parent ends become children of this process."""


def guard(command: Sequence[str], environment: Mapping[str, str], lifeline: int, clean_up: Callable[[], None]) -> int:
    """Runs a program until it ends or the launcher does, then ends all of its processes and cleans up.

    Args:
        command: program and arguments.
        environment: the program's whole environment.
        lifeline: read end of a pipe whose write end the launcher alone holds, so that its end closes it.
        clean_up: called when no process of the program is left.

    Returns: the program's exit code; 128 + n where signal n ended it.
    """
    # Triton's stubs do not notice that it is gone while they load a model: they fall to this process, which waits.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    process = _start(command, environment)
    select.select([lifeline, os.pidfd_open(process.pid)], [], [])
    _stop(process)
    clean_up()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts the program as leader of a session, i.e. of a process group."""
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        preexec_fn=_before_exec,  # noqa: PLW1509 - unsafe among threads, and this process has one
    )


def _before_exec() -> None:
    """Blocked signals stay blocked across fork and execve: lifts that, and ties the program's life to the guard's."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the program to stop, waits as long as it has promised to need, and kills whatever is left of its group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(EXIT_TIMEOUT_S + 5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()

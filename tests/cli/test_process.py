import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import psutil

from flawgate_cli.local_cluster.layout import ProcessSpec
from flawgate_cli.local_cluster.process import Process

STUBBORN = """
    import signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    print("ready", flush=True)
    time.sleep(60)
"""


class Lines:
    """Takes lines as a cluster does."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        """Keep one."""
        self.said.append((name, line))


def process_of(code: str, said: Lines, **environment: str) -> Process:
    """A process named `tool` that runs some Python."""
    return Process(ProcessSpec("tool", [sys.executable, "-c", textwrap.dedent(code)], environment), said)


def wait_until(met: Callable[[], bool], timeout_s: float = 10) -> bool:
    """Whether a condition is met in time."""
    deadline = time.monotonic() + timeout_s
    while not met() and time.monotonic() < deadline:
        time.sleep(0.02)
    return met()


def test_lines_are_passed_on_with_the_name() -> None:
    """Standard output and standard error, in order, whatever bytes are in them; the settings are in the environment."""
    said = Lines()
    code = """
        import os, sys
        print(os.environ["TOOL_PORT"], flush=True)
        print("[bold]x[/]", file=sys.stderr, flush=True)
        sys.stdout.buffer.write(b"\\xff\\n")
        sys.exit(3)
    """
    process = process_of(code, said, TOOL_PORT="8080")
    process.end(10)
    assert process.returncode() == 3
    assert said.said == [("tool", "8080"), ("tool", "[bold]x[/]"), ("tool", "\N{REPLACEMENT CHARACTER}")]
    assert list(process.last_lines) == [line for _, line in said.said]


def test_only_the_last_lines_are_kept() -> None:
    """A service that runs for months does not fill the memory."""
    process = process_of("for n in range(1000): print(n)", Lines())
    process.end(10)
    assert list(process.last_lines) == [str(n) for n in range(980, 1000)]


def test_a_process_ends_when_it_is_asked_to() -> None:
    """And asking twice, or after the end, does no harm."""
    process = process_of("import time; time.sleep(60)", Lines())
    assert process.returncode() is None
    process.terminate()
    process.end(10)
    assert process.returncode() == -signal.SIGTERM
    process.terminate()
    process.end(1)


def test_a_process_that_does_not_end_is_killed_with_its_children() -> None:
    """After the time-out nothing of it is left."""
    said = Lines()
    process = process_of(STUBBORN, said)
    assert wait_until(lambda: ("tool", "ready") in said.said)
    grandchild = psutil.Process(int(said.said[0][1]))
    process.terminate()
    process.end(0.3)
    assert process.returncode() == -signal.SIGKILL
    assert wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_a_process_dies_with_its_parent() -> None:
    """Even if the parent is killed and has no chance to stop it."""
    code = """
        import sys, time
        from flawgate_cli.local_cluster.layout import ProcessSpec
        from flawgate_cli.local_cluster.process import Process
        spec = ProcessSpec("tool", [sys.executable, "-c", "import time; time.sleep(60)"], {})
        print(Process(spec, print).pid, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    assert wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)

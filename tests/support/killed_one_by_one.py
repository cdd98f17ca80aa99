"""A piece of work that is done again and again in processes, each killed before another step, as by a power cut.

The parent asks a runner, a Python process of its own, for one of them at a time; the runner forks, so that each starts
with everything imported.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parents[1]


@contextmanager
def killed_one_by_one(module: str, *arguments: str) -> Iterator[Callable[[int], bool]]:
    """Gives what runs the work, killed before the step of that number, and says whether it was.

    Args:
        module: run with `python -m`; it calls `serve_kills`.
        arguments: of its command line.
    """
    runner = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert runner.stdin is not None
    assert runner.stdout is not None
    asked, told = runner.stdin, runner.stdout

    def run(step: int) -> bool:
        asked.write(f"{step}\n")
        asked.flush()
        answer = told.readline()
        assert answer in ("killed\n", "ended\n")
        return answer == "killed\n"

    try:
        yield run
    finally:
        asked.close()
        runner.wait()
        told.close()


def serve_kills(work: Callable[[int], None]) -> None:
    """Do the work in a process of its own for each number of a step that standard input brings."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(int(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, -signal.SIGKILL):
            sys.exit(f"the work ended with {code}")
        print("killed" if code else "ended", flush=True)  # noqa: T201 - what the caller reads

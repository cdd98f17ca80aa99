"""How tests run in the workers of pytest-xdist (`make test`): who runs what, and that nothing is left behind.

Every test file runs in one worker, so its fixtures are made once; what takes long begins first, so that no worker waits
for it at the end. It works without workers, too: `pytest tests/imaging`.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

TOGETHER = ("tests/training/export/", "tests/cluster/")
"""Folders whose files share what takes long to make (all networks exported, a cluster): one worker runs all of it."""

LONG = ("tests/training/test_experiments.py", "tests/monitoring/test_rules.py", "tests/training/export/")
"""Units without a cluster that take minutes all the same."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
RUN = "PYTEST_XDIST_TESTRUNUID"
"""Set by pytest-xdist in its workers, hence in every process that a test starts."""

END_TIMEOUT_S = 5.0

_run = pytest.StashKey[str]()
_faults = pytest.StashKey[list[str]]()

# Read when torch, NumPy and OpenCV are imported, here and by the processes that tests start: tiny tensors gain nothing
# from threads, and workers beside each other lose by them.
for _variable in THREADS:
    os.environ.setdefault(_variable, "1")

# A test that starts a program forks a process in which gRPC's threads are at work; what is forked only to become that
# program must not touch them, and gRPC's own handlers do.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


def unit(nodeid: str) -> str:
    """What one worker runs as a whole: the file of a test, or a folder of `TOGETHER`."""
    path = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if path.startswith(folder)), path)


class _ByUnit(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Hands out one unit after the other, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Takes the place of `--dist loadfile`."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return _ByUnit(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Units in which real clusters are started come first, and whatever else takes minutes."""
    first = {unit(item.nodeid) for item in items if item.get_closest_marker("cluster")}.union(LONG)
    items.sort(key=lambda item: unit(item.nodeid) not in first)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Remembers the run to which a worker's processes belong."""
    node.config.stash[_run] = node.workerinput["testrunuid"]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController, error: object | None) -> None:
    """A worker that did not end by itself is a fault, also when no test of its was running."""
    if error is not None:
        node.config.stash.setdefault(_faults, []).append(f"worker {node.gateway.id} crashed")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Once all workers have ended, what they started has, too: else it is ended here, and the run has failed."""
    run = session.config.stash.get(_run, None)
    if run is None:
        return
    faults = session.config.stash.setdefault(_faults, [])
    faults.extend(f"{said} was left running" for said in end(list(processes_of(run))))
    if faults:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was wrong beside the tests themselves."""
    for fault in config.stash.get(_faults, []):
        terminalreporter.write_line(f"FAILED {fault}", red=True)


def processes_of(run: str) -> Iterator[psutil.Process]:
    """Processes that were started, by whomever, within a run of tests."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(RUN) == run and process.pid != os.getpid():
                yield process


def end(processes: list[psutil.Process]) -> list[str]:
    """Waits for processes to end, and ends those that do not.

    Returns:
        Number and command of each that had to be ended.
    """
    _, left = psutil.wait_procs(processes, END_TIMEOUT_S)
    said = []
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            said.append(f"process {process.pid} ({' '.join(process.cmdline())})")
            process.terminate()
    for process in psutil.wait_procs(left, END_TIMEOUT_S)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return said

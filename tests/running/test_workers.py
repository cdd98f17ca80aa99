"""What a run of the tests promises beside what each test does."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import psutil
import pytest
from support.ports import BLOCK, BLOCKS, FIRST, PortBlock
from support.workers import unit

from flawgate_cli.local_cluster.layout import Ports

TESTS = Path(__file__).parents[1]
TIMEOUT_S = 120
WORKERS = ("--numprocesses=1", "--dist=loadfile", "--max-worker-restart=0", "-p", "xdist", "-p", "support.workers")
LEAVES_ONE_RUNNING = """
import os, subprocess, sys

def test_one():
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    open("left", "w").write(str(left.pid))
    {ending}

def test_another():
    pass
"""


def run(folder: Path, ending: str) -> "subprocess.CompletedProcess[str]":
    """Run a test, in a worker, that starts a process, does not end it, and ends in this way."""
    (folder / "test_it.py").write_text(LEAVES_ONE_RUNNING.format(ending=ending), "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    command = [sys.executable, "-m", "pytest", *WORKERS]
    settings = {**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@pytest.mark.parametrize(
    ("ending", "said"),
    [("os.kill(os.getpid(), 9)", "FAILED worker gw0 crashed"), ("left.returncode = 0", "2 passed")],
    ids=["its worker was killed", "it passed"],
)
def test_a_run_that_leaves_a_process_behind_has_failed(tmp_path: Path, ending: str, said: str) -> None:
    """The process is ended and named, and whoever waits for the exit status learns of it."""
    done = run(tmp_path, ending)
    left = int((tmp_path / "left").read_text("utf-8"))
    assert done.returncode == 1, done.stdout
    assert said in done.stdout
    assert f"FAILED process {left} (" in done.stdout
    assert not psutil.pid_exists(left)


def test_workers_give_out_different_ports() -> None:
    """A worker gives none twice in a row, and none of another's or of the system's."""
    first, second = PortBlock("gw0"), PortBlock("gw1")
    given = [block.port() for block in (first, second) for _ in range(20)]
    assert len(set(given)) == 40
    assert {(port - FIRST) // BLOCK for port in given[:20]} == {0}
    assert {(port - FIRST) // BLOCK for port in given[20:]} == {1}
    assert FIRST + BLOCKS * BLOCK <= 32_768


def test_a_cluster_moved_by_an_offset_stays_within_its_block() -> None:
    """All of its ports do."""
    ports = Ports().shifted(PortBlock("gw1").offset())
    assert {(getattr(ports, field.name) - FIRST) // BLOCK for field in fields(ports)} == {1}


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("tests/imaging/test_tiles.py::test_x[a::b]", "tests/imaging/test_tiles.py"),
        ("tests/cluster/test_doors.py::test_x", "tests/cluster/"),
        ("tests/training/export/test_cost.py::test_x", "tests/training/export/"),
        ("tests/training/test_commands.py::test_x", "tests/training/test_commands.py"),
    ],
)
def test_what_one_worker_runs_as_a_whole(nodeid: str, expected: str) -> None:
    """A file; a folder, where its files share what takes long to make."""
    assert unit(nodeid) == expected

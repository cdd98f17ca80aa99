"""`flawgate doctor` as a command: on a machine without a cluster, on one with it, on one where it is half down."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.ports import cluster_offset
from support.tiny_repository import write_spot

TIMEOUT_S = 120.0


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Of a small cluster on ports of its own."""
    write_spot(tmp_path / "models")
    return ["--port-offset", str(cluster_offset()), "--model-server", "onnxruntime"]


def flawgate(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    command = [sys.executable, "-m", "flawgate_cli", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=env)


def examined(*options: str, **environment: str) -> tuple[int, dict[tuple[str, str, str | None], str]]:
    """Exit status, and what each check found."""
    done = flawgate("doctor", "--json", *options, **environment)
    document: dict[str, Any] = json.loads(done.stdout)
    found = {(each["area"], each["check"], each["subject"]): each["status"] for each in document["findings"]}
    return done.returncode, found


def test_a_machine_before_its_first_start(tmp_path: Path, options: list[str]) -> None:
    """Packages, ports, models and disks are looked at; what does not run is skipped; nothing is made."""
    places = ["--model-repository", str(tmp_path / "models"), "--data-dir", str(tmp_path / "data")]
    status, found = examined(*options, *places)
    assert status == 0
    assert found[("ports", "doors", None)] == "ok"
    assert found[("models", "files", "spot")] == "ok"
    assert found[("gateway", "answers", None)] == "skipped"
    assert found[("database", "tables", None)] == "skipped"
    assert not (tmp_path / "data").exists()


def test_warnings_and_errors_are_exit_statuses(tmp_path: Path, options: list[str]) -> None:
    """1 and 2; a wrong option is 2 as well, with nothing on standard output."""
    places = ["--model-repository", str(tmp_path / "models"), "--data-dir", str(tmp_path / "data")]
    status, found = examined(*options, *places, GATEWAY_ARCHVE_URL="x")
    assert (status, found[("settings", "gateway", "GATEWAY_ARCHVE_URL")]) == (1, "warning")
    status, found = examined(*options, *places, GATEWAY_MAX_WAITING="many")
    assert (status, found[("settings", "gateway", None)]) == (2, "error")
    wrong = flawgate("doctor", "--gateway", "no-url")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_a_running_cluster_tells_of_itself(tmp_path: Path, options: list[str]) -> None:
    """Its folders need not be named: its processes know them. Where one is stopped, that is found."""
    state = ["--state-dir", str(tmp_path / "state")]
    places = ["--model-repository", str(tmp_path / "models"), "--data-dir", str(tmp_path / "data"), "--threads", "1"]
    up = flawgate("up", "--detach", *state, *options, *places)
    assert up.returncode == 0, up.stderr
    try:
        offset = options[:2]
        status, found = examined(*offset)
        assert "error" not in found.values(), found
        assert (status, found[("models", "files", "spot")]) == (0, "ok")
        assert found[("gateway", "recipes", "spot")] == "ok"
        assert found[("database", "tables", None)] == "ok"
        assert found[("metrics", "services", None)] == "ok"
        with _stopped(tmp_path / "state", "flawgate_decision"):
            status, found = examined(*offset)
        assert status == 2
        assert found[("metrics", "services", "decision")] == "error"
    finally:
        flawgate("down", *state)


class _stopped:  # noqa: N801  # a block
    """One process of a cluster does not get the processor while the block runs."""

    def __init__(self, state: Path, module: str) -> None:
        pid = json.loads((state / "cluster.json").read_text("utf-8"))["pid"]
        children = psutil.Process(pid).children(recursive=True)
        self._pid = next(child.pid for child in children if module in child.cmdline())

    def __enter__(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGCONT)

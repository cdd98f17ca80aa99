import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from support.ports import cluster_offset
from support.tiny_repository import write_spot

from flawgate_cli.app import main
from flawgate_cli.local_cluster.layout import Ports
from flawgate_cli.local_cluster.state import Running, read_running, remove_running, write_running

TIMEOUT_S = 90.0


@pytest.fixture
def offset() -> int:
    """Of all ports of a cluster."""
    return cluster_offset()


@pytest.fixture
def url(offset: int) -> str:
    """Of its gateway."""
    return f"http://127.0.0.1:{Ports().gateway + offset}"


@pytest.fixture
def options(tmp_path: Path, offset: int) -> list[str]:
    """A small cluster on ports of its own."""
    write_spot(tmp_path / "repository")
    return [
        *("--model-repository", str(tmp_path / "repository"), "--model-server", "onnxruntime"),
        *("--port-offset", str(offset), "--threads", "1"),
        *("--data-dir", str(tmp_path / "gateway")),
    ]


def flawgate(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    command = [sys.executable, "-m", "flawgate_cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def test_a_detached_cluster_is_started_once_and_stopped(tmp_path: Path, options: list[str], url: str) -> None:
    """Ready when the command returns; a second one is refused; `down` leaves no process."""
    state = ["--state-dir", str(tmp_path / "state")]
    started = flawgate("up", "--detach", *state, *options)
    assert started.returncode == 0, started.stderr
    assert f"The cluster is ready at {url}" in started.stderr
    assert "Access is off: whoever is on this machine may do everything." in started.stderr
    running = read_running(tmp_path / "state")
    assert running is not None
    family = [running.process(), *running.process().children(recursive=True)]
    assert len(family) == 4
    assert httpx.get(f"{url}/readyz", trust_env=False).json()["ready"] is True
    again = flawgate("up", "--detach", *state, *options)
    assert again.returncode == 1
    assert "`flawgate down` stops it" in again.stderr
    stopped = flawgate("down", *state)
    assert (stopped.returncode, stopped.stderr) == (0, "The cluster is stopped.\n")
    assert not [process for process in family if process.is_running()]
    assert read_running(tmp_path / "state") is None


def test_one_signal_stops_all(options: list[str]) -> None:
    """Ctrl-C, here SIGINT to the command alone: lines with the process's name, exit status 0, nothing left."""
    command = [sys.executable, "-m", "flawgate_cli", "up", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        said = []
        for line in up.stderr:
            said.append(line)
            if line.startswith("The cluster is ready"):
                break
        family = psutil.Process(up.pid).children(recursive=True)
        up.send_signal(signal.SIGINT)
        said += up.stderr.readlines()
        assert up.wait(TIMEOUT_S) == 0
    assert len(family) == 3
    assert not [process for process in family if process.is_running()]
    assert "Stopping ...\n" in said
    logged = [line.partition(" | ") for line in said if " | " in line]
    assert {name.strip() for name, _, _ in logged} >= {"decision", "gateway"}
    assert all(json.loads(line) for _, _, line in logged)


def test_a_secure_cluster_says_how_to_get_a_key(tmp_path: Path, options: list[str], url: str) -> None:
    """The very command that it names makes one that is let in; without it nobody is."""
    state = ["--state-dir", str(tmp_path / "state")]
    started = flawgate("up", "--secure", "--detach", *state, *options)
    try:
        assert started.returncode == 0, started.stderr
        named = re.search(r"`flawgate (keys create .*)` makes one", started.stderr)
        assert named is not None
        made = flawgate(*shlex.split(named[1]))
        headers = {"authorization": f"Bearer {made.stdout.strip()}"}
        assert httpx.get(f"{url}/v1/recipes", trust_env=False).status_code == 401
        assert httpx.get(f"{url}/v1/recipes", headers=headers, trust_env=False).status_code == 200
        assert made.stdout.strip() not in (tmp_path / "state" / "cluster.log").read_text("utf-8")
    finally:
        flawgate("down", *state)


def test_a_detached_cluster_that_cannot_start_says_why(tmp_path: Path, options: list[str]) -> None:
    """The last lines of its log come to the person who asked."""
    ended = flawgate("up", "--detach", "--state-dir", str(tmp_path), *options, "--log-level", "loud")
    assert ended.returncode == 1
    assert "The cluster did not start; its log says why:" in ended.stderr
    assert "_LOG_LEVEL" in ended.stderr
    assert read_running(tmp_path) is None


def test_another_process_with_the_same_number_is_not_the_cluster(tmp_path: Path) -> None:
    """A process number that was given again is left alone."""
    write_running(tmp_path, Running(os.getpid(), 12345.0, "http://x"))
    assert read_running(tmp_path) is None
    own = Running.of(os.getpid(), "http://x")
    write_running(tmp_path, own)
    assert read_running(tmp_path) == own
    remove_running(tmp_path)
    remove_running(tmp_path)
    assert read_running(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}'])
def test_a_damaged_note_is_no_cluster(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is stopped by guessing."""
    (tmp_path / "cluster.json").write_text(text, "utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["down", "--state-dir", str(tmp_path)])
    assert ended.value.code == 0
    assert capsys.readouterr().err == "No detached cluster is running.\n"

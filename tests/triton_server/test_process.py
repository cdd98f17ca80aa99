import contextlib
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from onnx import helper

if TYPE_CHECKING:
    from triton_server.conftest import Launch, Launcher, WriteModel

pytestmark = pytest.mark.cluster

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux shows POSIX shared memory
GONE_TIMEOUT_S = 30


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, write_model: "WriteModel") -> Path:
    """Two models that double a number."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("first", "second"):
        write_model(
            folder,
            name,
            [helper.make_node("Add", ["x", "x"], ["y"])],
            [("x", "TYPE_FP32", [1])],
            [("y", "TYPE_FP32", [1])],
        )
    return folder


def wait_for(process_name: str, launcher: "Launcher") -> psutil.Process:
    """The launcher's descendant of that name, as soon as there is one."""
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while time.monotonic() < deadline:
        # A process may end between the two calls: Triton starts each stub once to see whether it can.
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in launcher.descendants():
                if process.name() == process_name and process.cmdline():  # empty while it is being started
                    return process
        time.sleep(0.02)
    raise TimeoutError(f"no {process_name} came up: {launcher.log()}")


def region_prefix(triton: psutil.Process) -> str:
    """The beginning of the names of this tritonserver's shared memory regions."""
    [prefix] = [a.partition("prefix-name=")[2] for a in triton.cmdline() if "shm-region-prefix-name=" in a]
    return prefix


def regions(prefix: str) -> list[str]:
    """The shared memory regions that begin with `prefix`."""
    return [path.name for path in SHARED_MEMORY.glob(f"{prefix}*")]


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those of the processes that still run after the bound; one that only its parent has not noticed yet does not."""
    left = psutil.wait_procs(processes, timeout=GONE_TIMEOUT_S)[1]
    return [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


CTRL_C_IS_IGNORED = signal.getsignal(signal.SIGINT) == signal.SIG_IGN


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.skipif(CTRL_C_IS_IGNORED, reason="this session ignores Ctrl-C")),
    ],
)
def test_a_stop_leaves_nothing_behind(launch: "Launch", repository: Path, number: signal.Signals) -> None:
    """After SIGTERM or Ctrl-C the exit code is 0, and no process, shared memory or temporary file is left."""
    launcher = launch(repository)
    assert launcher.wait_until_ready(), launcher.log()
    processes = launcher.descendants()
    prefix = region_prefix(wait_for("tritonserver", launcher))
    assert len(regions(prefix)) == 2
    assert launcher.stop(number) == 0
    assert wait_until_gone(processes) == []
    assert (regions(prefix), list(launcher.temporary.iterdir())) == ([], [])


def test_a_hangup_does_not_stop_a_launcher_under_nohup(launch: "Launch", repository: Path) -> None:
    """A signal that was ignored at the start stays ignored: Triton still answers, and SIGTERM still stops it."""
    launcher = launch(repository, wrapper=["nohup"])
    assert launcher.wait_until_ready(), launcher.log()
    launcher.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        launcher.process.wait(1)
    assert httpx.get(f"http://127.0.0.1:{launcher.http_port}/v2/health/ready").status_code == 200
    assert launcher.stop() == 0


def test_a_stop_while_loading_leaves_nothing_behind(launch: "Launch", repository: Path) -> None:
    """SIGTERM before Triton is ready ends the launcher with 0, without the ready line."""
    launcher = launch(repository)
    prefix = region_prefix(wait_for("tritonserver", launcher))
    wait_for("triton_python_backend_stub", launcher)
    processes = launcher.descendants()
    assert launcher.stop() == 0
    assert wait_until_gone(processes) == []
    assert (regions(prefix), list(launcher.temporary.iterdir())) == ([], [])


@pytest.mark.parametrize("ready", [False, True])
def test_a_killed_launcher_leaves_nothing_behind(launch: "Launch", repository: Path, *, ready: bool) -> None:
    """After SIGKILL of the launcher, loading or ready, Triton and its stubs end and their memory is freed."""
    launcher = launch(repository)
    prefix = region_prefix(wait_for("tritonserver", launcher))
    wait_for("triton_python_backend_stub", launcher)
    if ready:
        assert launcher.wait_until_ready(), launcher.log()
    processes = launcher.descendants()
    assert launcher.stop(signal.SIGKILL) == -signal.SIGKILL
    assert wait_until_gone(processes) == []
    assert (regions(prefix), list(launcher.temporary.iterdir())) == ([], [])


def test_a_triton_that_ends_by_itself_ends_the_launcher(launch: "Launch", repository: Path) -> None:
    """A crash of tritonserver is one sentence and exit code 1, and its stubs do not outlive it."""
    launcher = launch(repository)
    assert launcher.wait_until_ready(), launcher.log()
    processes = launcher.descendants()
    wait_for("tritonserver", launcher).kill()
    assert launcher.process.wait(GONE_TIMEOUT_S) == 1
    assert launcher.sentences() == ["Triton ended by itself with exit code 137: see its log above."]
    assert wait_until_gone(processes) == []


def crash_while_loading(launcher: "Launcher") -> int:
    """Aborts tritonserver before it is ready, as its Python backend sometimes does. Returns: its process id."""
    triton = wait_for("tritonserver", launcher)
    wait_for("triton_python_backend_stub", launcher)
    triton.send_signal(signal.SIGABRT)
    assert wait_until_gone([triton]) == []
    return triton.pid


def test_a_crash_at_start_is_followed_by_one_more_start(launch: "Launch", repository: Path) -> None:
    """The second start serves; the first one's shared memory is gone, and the log tells of the crash."""
    launcher = launch(repository)
    prefix = region_prefix(wait_for("tritonserver", launcher))
    crash_while_loading(launcher)
    assert launcher.wait_until_ready(), launcher.log()
    assert launcher.sentences() == [
        "Triton ended by itself with exit code 134: see its log above. It is started once more."
    ]
    assert (regions(prefix), len(list(launcher.temporary.iterdir()))) == ([], 1)
    assert launcher.stop() == 0


def test_two_crashes_at_start_end_the_launcher(launch: "Launch", repository: Path) -> None:
    """Starts are bounded: the second crash is one sentence and exit code 1, and nothing is left."""
    launcher = launch(repository)
    assert crash_while_loading(launcher) != crash_while_loading(launcher)
    assert launcher.process.wait(GONE_TIMEOUT_S) == 1
    assert launcher.sentences()[1:] == ["Triton ended by itself with exit code 134: see its log above."]
    assert list(launcher.temporary.iterdir()) == []


def test_a_triton_that_is_not_ready_in_time_is_given_up(launch: "Launch", repository: Path) -> None:
    """--ready-timeout bounds the start: one sentence, exit code 2, nothing left."""
    launcher = launch(repository, "--ready-timeout=0.2")
    assert launcher.wait_until_ready() == ""
    assert launcher.process.wait(GONE_TIMEOUT_S) == 2
    assert launcher.sentences() == ["Triton was not ready within 0.2 s: see its log above, or raise --ready-timeout."]
    assert list(launcher.temporary.iterdir()) == []


def test_explicit_control_loads_only_what_is_named(launch: "Launch", repository: Path) -> None:
    """With --model-control explicit the rest of the repository is left alone, and loaded when the API is asked."""
    launcher = launch(repository, "--model-control=explicit", "--load-model=second")
    assert launcher.wait_until_ready(), launcher.log()
    assert launcher.sentences() == []
    with httpx.Client(base_url=f"http://127.0.0.1:{launcher.http_port}/v2", timeout=GONE_TIMEOUT_S) as http:
        before = [http.get(f"/models/{name}/ready").status_code for name in ("first", "second")]
        http.post("/repository/models/first/load").raise_for_status()
        after = [http.get(f"/models/{name}/ready").status_code for name in ("first", "second")]
    assert (before, after) == ([400, 200], [200, 200])


def listening(process: psutil.Process) -> list[Any]:
    """Addresses (ip, port) at which a process waits for connections."""
    return [found.laddr for found in process.net_connections("inet") if found.status == psutil.CONN_LISTEN]


def test_all_ports_are_on_loopback(launch: "Launch", repository: Path) -> None:
    """Nothing listens beyond this machine unless told to."""
    launcher = launch(repository)
    assert launcher.wait_until_ready(), launcher.log()
    server = wait_for("tritonserver", launcher)
    ports = {launcher.http_port, launcher.grpc_port, launcher.metrics_port}
    given_up = time.monotonic() + 10
    while len(addresses := listening(server)) < len(ports) and time.monotonic() < given_up:
        time.sleep(0.05)  # Triton says that it is ready a moment before its metrics have a port
    assert {address.ip.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    assert {address.port for address in addresses} == ports

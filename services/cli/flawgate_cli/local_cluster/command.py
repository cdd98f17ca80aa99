"""`flawgate up` and `flawgate down`."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.text import Text

from flawgate_cli.local_cluster.cluster import running_cluster
from flawgate_cli.local_cluster.layout import LOOPBACK, Layout, ModelServer, Ports
from flawgate_cli.local_cluster.state import Running, read_running, remove_running, write_running
from flawgate_cli.local_cluster.traces import triton_trace_url
from flawgate_cli.stopping import is_noted, noted_signals
from flawgate_contracts.errors import Unavailable

COLOURS = {"triton": "green", "preprocessing": "cyan", "decision": "magenta", "gateway": "blue"}
STATE_DIR = Path("out/cluster")
DATA_DIR = Path("out/gateway")
DOWN_TIMEOUT_S = 60.0
START_S = 15.0
"""For the command itself to start in the background, beside the time that its processes get."""
READY = "The cluster is ready"

Repository = Annotated[Path, typer.Option(help="Folder of the models and recipes.")]
TritonPython = Annotated[Path, typer.Option(help="Python of the environment that holds Triton.")]
StateDir = Annotated[Path, typer.Option(help="Folder for the log and the process number of a detached cluster.")]


def up(  # noqa: PLR0913, PLR0917  # one parameter for each option of the command
    model_repository: Repository = Path("model_repository"),
    model_server: Annotated[
        ModelServer, typer.Option(help="`onnxruntime` runs the models within decision, without Triton.")
    ] = "triton",
    host: Annotated[str, typer.Option(help="Address of the gateway; all else stays on loopback.")] = LOOPBACK,
    port_offset: Annotated[int, typer.Option(help="Added to every port, so that several clusters fit.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="Threads of one inference.")] = None,
    triton_python: TritonPython = Path("services/triton/.venv/bin/python"),
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    ready_timeout: Annotated[float, typer.Option(min=1, help="Seconds within which all must be ready.")] = 120.0,
    data_dir: Annotated[Path, typer.Option(help="Folder of the gateway's records and pictures.")] = DATA_DIR,
    secure: Annotated[bool, typer.Option("--secure", help="Ask for API keys.")] = False,  # noqa: FBT002
    detach: Annotated[bool, typer.Option("--detach", help="Run in the background; `flawgate down` stops it.")] = False,  # noqa: FBT002
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Run the whole cluster on this machine; one Ctrl-C stops all of it."""
    layout = Layout(
        model_repository=model_repository,
        ports=Ports().shifted(port_offset),
        host=host,
        model_server=model_server,
        triton_python=triton_python,
        threads=threads,
        log_level=log_level,
        data_dir=data_dir,
        secure=secure,
        triton_trace_url=triton_trace_url(os.environ),
    )
    if detach:
        _run_detached(layout, state_dir, ready_timeout)
    else:
        _run(layout, ready_timeout)


def down(state_dir: StateDir = STATE_DIR) -> None:
    """Stop the cluster that `flawgate up --detach` started."""
    console = Console(stderr=True)
    running = read_running(state_dir)
    if running is None:
        console.print("No detached cluster is running.")
        return
    try:
        process = running.process()
        process.send_signal(signal.SIGTERM)
        process.wait(DOWN_TIMEOUT_S)
    except psutil.NoSuchProcess:
        console.print("The cluster had ended by itself.")
    except psutil.TimeoutExpired as err:
        raise Unavailable(f"The cluster (process {running.pid}) does not end within {DOWN_TIMEOUT_S:g} s.") from err
    else:
        console.print("The cluster is stopped.")
    remove_running(state_dir)


def access_sentence(layout: Layout) -> str:
    """Who may do what with the cluster, and how to get a key."""
    if not layout.secure:
        return "Access is off: whoever is on this machine may do everything."
    where = "" if layout.data_dir == DATA_DIR else f" --data-dir {shlex.quote(str(layout.data_dir))}"
    return f"It asks for API keys: `flawgate keys create NAME --scope inspect --scope read{where}` makes one."


def _run(layout: Layout, ready_timeout_s: float) -> None:
    console = Console(stderr=True, highlight=False)

    def say(name: str, line: str) -> None:
        # In one call: four processes speak at once.
        console.print(Text.assemble((f"{name:>13} |", COLOURS[name]), f" {line}"), soft_wrap=True)

    with noted_signals() as signals:
        stopped = partial(is_noted, signals)
        with running_cluster(layout, say, ready_timeout_s=ready_timeout_s, stopped=stopped) as cluster:
            ready = Text(f"{READY} at {layout.url}", "bold")
            ready.append(f" (API: {layout.url}/docs). {access_sentence(layout)} Ctrl-C stops it.", "not bold")
            console.print(ready, soft_wrap=True)
            cluster.watch(stopped)
            console.print("Stopping ...")


def _run_detached(layout: Layout, state_dir: Path, ready_timeout_s: float) -> None:
    running = read_running(state_dir)
    if running is not None:
        sentence = f"A cluster is running already (process {running.pid}, {running.url}); `flawgate down` stops it."
        raise Unavailable(sentence)

    state_dir.mkdir(parents=True, exist_ok=True)
    log_path = state_dir / "cluster.log"
    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    with log_path.open("w", encoding="utf-8") as log:
        child = subprocess.Popen(  # noqa: S603  # this very command
            [sys.executable, "-m", "flawgate_cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    write_running(state_dir, Running.of(child.pid, layout.url))
    _wait_until_said_ready(child, log_path, ready_timeout_s + START_S)
    said = Text(f"{READY} at {layout.url}; its log is {log_path}. {access_sentence(layout)}")
    Console(stderr=True).print(said, soft_wrap=True)


def _wait_until_said_ready(child: "subprocess.Popen[bytes]", log_path: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while READY not in log_path.read_text("utf-8", errors="replace"):
        if child.poll() is not None:
            raise Unavailable(f"The cluster did not start; its log says why:\n{_tail(log_path)}")
        if time.monotonic() > deadline:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(DOWN_TIMEOUT_S)
            raise Unavailable(f"The cluster was not ready after {timeout_s:g} s; its log is {log_path}.")
        time.sleep(0.2)


def _tail(path: Path) -> str:
    return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-20:])

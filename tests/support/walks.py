"""Pages of docs/ whose commands are run word for word, against all services."""

import fnmatch
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PORTS = (8080, 8081, 8082, 8083, 8900, 9080, 9082, 9083, 9084)
"""That the pages' commands listen on."""
OWN_NETWORK = ("unshare", "--map-root-user", "--net")
LOOPBACK_UP = "ip link set lo up && exec bash walk.sh"
END = "@@ end of block"
TIMEOUT_S = 240


class Block(NamedTuple):
    """Commands of the page, and what it shows of their output."""

    commands: str
    kind: str
    """`json`, `text`, or empty where nothing is shown."""
    shown: str


def blocks(page: str) -> Iterator[Block]:
    """All blocks of commands, in their order."""
    fences = FENCE.findall(page)
    for (kind, commands), (next_kind, shown) in zip(fences, [*fences[1:], ("", "")], strict=True):
        if kind == "sh":
            yield Block(commands, *((next_kind, shown) if next_kind in ("json", "text") else ("", "")))


def script(walk: Sequence[Block]) -> str:
    """All commands in one shell, which ends with the first that fails."""
    parts = [f"{block.commands}\necho; echo '{END}'" for block in walk]
    return "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || :' EXIT", *parts])


def network() -> Sequence[str]:
    """How the script is run so that the page's ports are free: in a network of its own, where the system gives one."""
    if shutil.which("unshare") and shutil.which("ip"):
        tried = subprocess.run([*OWN_NETWORK, "ip", "link", "set", "lo", "up"], check=False, capture_output=True)
        if tried.returncode == 0:
            return (*OWN_NETWORK, "bash", "-c", LOOPBACK_UP)
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                pytest.skip(f"something listens on port {port}, and there is no network of its own to be had")
    return ("bash", "walk.sh")


def matches(shown: Any, came: Any) -> bool:
    """Whether all that is shown came; `…` stands for anything."""
    if isinstance(shown, dict):
        return isinstance(came, dict) and all(key in came and matches(shown[key], came[key]) for key in shown)
    if isinstance(shown, list):
        return isinstance(came, list) and len(shown) == len(came) and all(map(matches, shown, came))
    if isinstance(shown, str) and "…" in shown:
        return fnmatch.fnmatchcase(str(came), shown.replace("[", "[[]").replace("…", "*"))
    return bool(shown == came)


@contextmanager
def clone(folder: Path) -> Iterator[Path]:
    """A clone as far as a page needs one: the models of `texture`. What was started in it is stopped."""
    repository = folder / "model_repository"
    repository.mkdir()
    for model in (ROOT / "model_repository").glob("texture*"):
        if "anomaly" not in model.name:
            (repository / model.name).symlink_to(model)
    try:
        yield folder
    finally:
        subprocess.run([sys.executable, "-m", "flawgate_cli", "down"], cwd=folder, check=True, capture_output=True)


def walk_through(page: str, folder: Path) -> int:
    """Run every block of a page's commands in one shell, and hold what came against what the page shows.

    Returns:
        How many blocks showed something.
    """
    walk = list(blocks(page))
    (folder / "walk.sh").write_text(script(walk), "utf-8")
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "FLAWGATE_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        network(),
        cwd=folder,
        env={**settings, "PATH": path},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    outputs = ran.stdout.split(f"\n{END}\n")
    assert ran.returncode == 0, f"{walk[len(outputs) - 1].commands}\n{outputs[-1]}\n{ran.stderr}"
    for block, output in zip(walk, outputs, strict=False):
        if block.kind == "json":
            assert matches(json.loads(block.shown), json.loads(output)), f"{block.commands}\n{output}"
        elif block.kind == "text":
            assert matches(block.shown.strip(), output.strip()), f"{block.commands}\n{output}"
    return sum(bool(block.kind) for block in walk)

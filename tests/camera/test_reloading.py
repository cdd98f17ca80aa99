import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.streamed import until

from flawgate_camera.config.cameras import Configuration
from flawgate_camera.config.loading import load
from flawgate_camera.reloading import follow

CAMERA = '[[cameras]]\nname = "{}"\nstation = "S"\nrecipe = "texture"\nsource = {{ kind = "usb" }}\n'


class Applied:
    """Remembers the cameras of each configuration that was applied."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []
        self.ports: list[int] = []

    async def apply(self, configuration: Configuration) -> None:
        """Remember."""
        self.names.append([camera.name for camera in configuration.cameras])
        self.ports.append(configuration.agent.metrics_port)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration with the camera `a`."""
    path = tmp_path / "cameras.toml"
    path.write_text(CAMERA.format("a"))
    return path


@asynccontextmanager
async def following(path: Path, look_s: float = 0.01) -> AsyncIterator[Applied]:
    """Follow the file until the block ends."""
    applied = Applied()
    task = asyncio.create_task(follow(path, load(path), applied.apply, look_s=look_s))
    await asyncio.sleep(0.05)
    try:
        yield applied
    finally:
        task.cancel()
        await asyncio.wait({task})


async def once(applied: Applied, count: int = 1) -> None:
    """Wait until so many configurations were applied."""
    await until(lambda: len(applied.names) >= count)


def write(file: Path, text: str) -> None:
    """As an editor does that writes into the file."""
    file.write_text(text)


def replace(file: Path, text: str) -> None:
    """As an editor does that puts a new file in the place of the old one."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)


async def test_a_changed_file_is_applied(file: Path) -> None:
    """Each new version takes effect, also one that replaces the file."""
    async with following(file) as applied:
        write(file, CAMERA.format("bb"))
        await once(applied)
        replace(file, CAMERA.format("ccc"))
        await once(applied, 2)
    assert applied.names == [["bb"], ["ccc"]]


async def test_a_file_with_a_fault_changes_nothing(file: Path) -> None:
    """A bad version is refused whole; the next good one takes effect."""
    async with following(file) as applied:
        write(file, CAMERA.format("b") + "[[cameras]]\n")
        await asyncio.sleep(0.1)
        assert applied.names == []
        write(file, CAMERA.format("c") + "\n")
        await once(applied)
    assert applied.names == [["c"]]


async def test_sighup_asks_for_a_look(file: Path) -> None:
    """The signal has the file read at once, changed or not."""
    async with following(file, look_s=60) as applied:
        os.kill(os.getpid(), signal.SIGHUP)
        await once(applied)
    assert applied.names == [["a"]]


async def test_the_table_of_the_agent_waits_for_a_restart(file: Path) -> None:
    """Port and folder of the process stay as they are; the cameras of the new version are run."""
    async with following(file) as applied:
        write(file, "[agent]\nmetrics_port = 1\n" + CAMERA.format("b"))
        await once(applied)
    assert (applied.names, applied.ports) == ([["b"]], [9084])

"""The agent as a process: the real command, a camera over the network, a gateway."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.mjpeg_camera import MjpegCamera, mjpeg_camera
from support.ports import free_port
from support.scripted_stream import ScriptedStream, serving
from support.streamed import until

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate_imaging.encoding import encode_png

pytestmark = pytest.mark.timeout(120)

PASSWORD = "s3cr3t"  # noqa: S105  # of no camera

CAMERA = """
[[cameras]]
name = "{name}"
station = "S4"
recipe = "texture"
source = {{ kind = "video", url = "{url}", open_timeout_s = 2, read_timeout_s = 1 }}
trigger = {{ kind = "rate", frames_per_s = 20 }}
delivery = {{ policy = "{policy}" }}
health = {{ retry_max_s = 1 }}
"""


class Agent:
    """The process, and all that it writes."""

    def __init__(self, process: asyncio.subprocess.Process, file: Path, metrics_port: int) -> None:
        self.process = process
        self.file = file
        self._metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        self.text = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.text += line.decode()

    def events(self) -> list[str]:
        """What its log says happened, in order."""
        return [json.loads(line)["event"] for line in self.text.splitlines() if line.startswith("{")]

    async def metrics(self) -> str:
        """As Prometheus reads them."""
        async with httpx.AsyncClient() as client:
            return (await client.get(self._metrics)).text

    async def stop(self) -> int | None:
        """SIGTERM; gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), 30)
        await self._reading
        return self.process.returncode


@asynccontextmanager
async def agent(folder: Path, target: str, *cameras: str) -> AsyncIterator[Agent]:
    """`flawgate camera run` with these cameras; killed at the end of the block, if it still runs."""
    port = free_port()
    head = f'[agent]\nmetrics_port = {port}\ndata_dir = "{folder / "data"}"\n[gateway]\ntarget = "{target}"\n'
    file = folder / "cameras.toml"
    file.write_text(head + "".join(cameras))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "flawgate_cli", "camera", "run", str(file)),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONDEVMODE": ""},
    )
    running = Agent(process, file, port)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def table(camera: MjpegCamera, name: str = "cam1", policy: str = "lossless", password: str = PASSWORD) -> str:
    """Its table in the configuration, with a password."""
    return CAMERA.format(name=name, url=camera.url.replace("://", f"://tech:{password}@"), policy=policy)


@pytest.mark.parametrize("policy", ["lossless", "every", "latest"])
async def test_every_frame_is_answered_once(tmp_path: Path, policy: str) -> None:
    """Frames of a network camera reach the gateway without a hole; SIGTERM ends the agent in order, with status 0."""
    gateway = ScriptedStream()
    with mjpeg_camera(password=PASSWORD) as camera:
        async with serving(gateway) as target, agent(tmp_path, target, table(camera, policy=policy)) as running:
            await until(lambda: len(gateway.records) >= 10)
            status = await running.stop()
    assert status == 0
    assert sorted(gateway.records) == list(range(1, len(gateway.records) + 1))
    assert (set(gateway.written.values()), gateway.faults) == ({1}, [])
    assert PASSWORD not in running.text


async def test_a_camera_that_comes_back_goes_on(tmp_path: Path) -> None:
    """A stream that breaks off is down with its cause, in log and metrics, opened again, and no password is shown."""
    gateway = ScriptedStream()
    with mjpeg_camera(password=PASSWORD, frames=20) as camera:
        async with serving(gateway) as target, agent(tmp_path, target, table(camera)) as running:
            await until(lambda: camera.connections >= 3)
            metrics = await running.metrics()
            await running.stop()
    assert 'flawgate_camera_failures_total{camera="cam1",cause="ENDED"}' in metrics
    assert running.events().count("camera down") >= 2
    assert PASSWORD not in running.text + metrics


async def test_a_wrong_password_is_told_and_can_be_mended(tmp_path: Path) -> None:
    """The cause stands in log and metrics without the password; a mended file takes effect without a restart."""
    gateway = ScriptedStream()
    with mjpeg_camera(password=PASSWORD) as camera:
        wrong = table(camera, password="wr0ng")  # noqa: S106  # of no camera
        async with serving(gateway) as target, agent(tmp_path, target, wrong) as running:
            await until(lambda: "CREDENTIALS" in running.text)
            metrics = await running.metrics()
            running.file.write_text(running.file.read_text().replace("wr0ng", PASSWORD))
            await until(lambda: len(gateway.records) >= 3)
            status = await running.stop()
    assert status == 0
    assert 'flawgate_camera_failures_total{camera="cam1",cause="CREDENTIALS"}' in metrics
    assert "wr0ng" not in running.text + metrics
    assert PASSWORD not in running.text


async def test_frames_on_disk_are_sent_under_another_policy(tmp_path: Path) -> None:
    """Who turns `lossless` into `latest` while frames wait for the gateway loses none of them."""
    gateway, spools = ScriptedStream(), tmp_path / "data" / "cam1" / "spools"
    with mjpeg_camera(password=PASSWORD) as camera:
        async with agent(tmp_path, f"127.0.0.1:{free_port()}", table(camera)) as running:
            await until(lambda: any(file.stat().st_size > 0 for file in spools.glob("*/*.frames")))
            await running.stop()
        async with serving(gateway) as target, agent(tmp_path, target, table(camera, policy="latest")) as running:
            await until(lambda: not list(spools.iterdir()))
            await running.stop()
    policies = {hello.delivery for hello in gateway.hellos}
    assert policies == {pb2.DELIVERY_POLICY_LOSSLESS, pb2.DELIVERY_POLICY_LATEST}


async def test_frames_wait_for_the_gateway(tmp_path: Path) -> None:
    """With `lossless`, frames taken while the gateway is away are sent when it is there, also after a restart."""
    gateway, port = ScriptedStream(), free_port()
    with mjpeg_camera(password=PASSWORD) as camera:
        target = f"127.0.0.1:{port}"
        async with agent(tmp_path, target, table(camera)) as running:
            await until(lambda: "camera up" in running.text)
            await asyncio.sleep(0.5)
            assert await running.stop() == 0
        camera.closing.set()
        async with serving(gateway, port=port), agent(tmp_path, target, table(camera)) as running:
            await until(lambda: len(gateway.records) >= 3)
            await running.stop()
    assert sorted(gateway.records) == list(range(1, len(gateway.records) + 1))


async def test_a_wrong_configuration_is_one_sentence(tmp_path: Path) -> None:
    """The agent does not start with a file that has a fault; status 2, one sentence, no traceback, no password."""
    with mjpeg_camera() as camera:
        wrong = table(camera).replace("station", "statoin")
        async with agent(tmp_path, "127.0.0.1:1", wrong) as running:
            assert await asyncio.wait_for(running.process.wait(), 30) == 2
            await running._reading
    assert "camera cam1, statoin: no such key is known here" in running.text
    assert "Traceback" not in running.text
    assert PASSWORD not in running.text


GENERATED = """
[[cameras]]
name = "cam1"
station = "S4"
recipe = "texture"
source = { kind = "generated", frames_per_s = 100, size = [128, 128], frames = 10 }
delivery = { policy = "every" }
"""


async def test_the_agent_ends_with_its_last_source(tmp_path: Path) -> None:
    """Where all sources have an end, the agent has one too: when everything is answered, with status 0."""
    gateway = ScriptedStream()
    async with serving(gateway) as target, agent(tmp_path, target, GENERATED) as running:
        assert await asyncio.wait_for(running.process.wait(), 30) == 0
    assert sorted(gateway.records) == list(range(1, 11))


FOLDER = """
[[cameras]]
name = "cam1"
station = "S4"
recipe = "texture"
source = {{ kind = "folder", path = "{path}", after = "delete", poll_s = 0.02, settle_s = 0.02 }}
delivery = {{ policy = "{policy}" }}
"""


@pytest.mark.parametrize(("policy", "left_before"), [("every", 3), ("lossless", 0)])
async def test_a_folders_files_go_when_they_are_safe(tmp_path: Path, policy: str, left_before: int) -> None:
    """Without a gateway a file goes as soon as it is in the spool, or else stays; with one, each is sent and goes."""
    inbox, gateway, port = tmp_path / "in", ScriptedStream(), free_port()
    files = picture_files(inbox, 3)
    target = f"127.0.0.1:{port}"
    async with agent(tmp_path, target, FOLDER.format(path=inbox, policy=policy)) as running:
        await until(lambda: "camera up" in running.text)
        await until(lambda: files() == left_before)
        async with serving(gateway, port=port):
            await until(lambda: len(gateway.records) == 3)
            await until(lambda: files() == 0)
            await running.stop()
    assert (sorted(gateway.written), gateway.gaps) == ([1, 2, 3], [])


def picture_files(folder: Path, count: int) -> Callable[[], int]:
    """Put pictures into a folder; gives what counts those that are left."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes(encode_png(np.full((20, 30), 50 + number, np.uint8)))
    return lambda: len(list(folder.iterdir()))

import io
import json
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console
from support.camera_parts import GENERATED, ScriptedSource, camera_table, level, noise
from support.mjpeg_camera import mjpeg_camera
from support.ports import free_port
from support.scripted_stream import ScriptedStream, serving

from flawgate_camera.checking.cameras import look
from flawgate_camera.checking.report import Checked, check, show
from flawgate_camera.config.cameras import Configuration
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.sources.base import Source
from flawgate_contracts.errors import FlawgateError, Unauthenticated, UnknownRecipe

PASSWORD = "s3cr3t"  # noqa: S105  # of no camera


def configured(*sources: dict[str, Any], target: str, **changes: Any) -> Configuration:
    """A camera for each source."""
    cameras = [camera_table(name=f"cam{n}", source=source, **changes) for n, source in enumerate(sources, 1)]
    return Configuration(cameras=tuple(cameras), gateway=Gateway(target=target))


def shown(checked: list[Checked], columns: int = 80) -> str:
    """What a terminal of that width shows."""
    out = io.StringIO()
    show(checked, Console(file=out, width=columns))
    return out.getvalue()


async def test_a_good_camera_is_good() -> None:
    """Size, rate, brightness and focus are told, the gateway has greeted, and nothing was sent to it."""
    gateway = ScriptedStream()
    async with serving(gateway) as target:
        (one,) = await check(configured(GENERATED | {"frames_per_s": 10.0}, target=target))
    seen = one.finding.seen
    assert one.good
    assert seen is not None
    assert (seen.width, seen.height) == (128, 128)
    assert seen.frames_per_s == pytest.approx(10, rel=0.3)
    assert 0 < seen.brightness < 1
    assert (len(gateway.hellos), gateway.frames, gateway.gaps) == (1, [], [])
    assert "128×128" in shown([one])
    assert json.loads(json.dumps(one.told()))["ok"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UnknownRecipe("There is no recipe texture."), "There is no recipe texture."),
        (Unauthenticated("The API key has expired."), "The API key has expired."),
    ],
)
async def test_what_the_gateway_says_is_told(error: FlawgateError, says: str) -> None:
    """An unknown recipe or a bad key is told in the gateway's words, once for all cameras that it concerns."""
    async with serving(ScriptedStream(refusals=[error, error])) as target:
        checked = await check(configured(GENERATED, GENERATED, target=target))
    assert [one.gateway for one in checked] == [f"Gateway {target}: {says}"] * 2
    assert shown(checked, 200).count(says) == 1


async def test_a_gateway_that_is_not_there_is_told() -> None:
    """The camera is looked through all the same."""
    (one,) = await check(configured(GENERATED, target=f"127.0.0.1:{free_port()}"))
    assert one.finding.fault is None
    assert one.gateway is not None
    assert "does not answer" in one.gateway
    assert not one.good


async def test_no_secret_is_shown(tmp_path: Path) -> None:
    """A camera that does not let us in is told, and neither table nor JSON has the password."""
    with mjpeg_camera(password="other") as camera:  # noqa: S106  # of no camera
        url = camera.url.replace("://", f"://tech:{PASSWORD}@")
        sources = {"kind": "video", "url": url, "open_timeout_s": 2}
        checked = await check(configured(sources, target=f"127.0.0.1:{free_port()}"))
    told = shown(checked, 200) + json.dumps([one.told() for one in checked])
    assert "does not take the user and password given" in told
    assert PASSWORD not in told


@pytest.mark.parametrize(
    ("script", "changes", "says"),
    [
        ([level(3)], {}, "Its picture is black"),
        ([noise(1)], {"region": {"width": 400, "height": 10}}, "does not lie within"),
        ([], {}, "No picture came"),
        ([ZeroDivisionError()], {}, "nobody foresaw"),
    ],
)
def test_a_picture_of_no_use_is_told(script: list[Any], changes: dict[str, Any], says: str) -> None:
    """Black pictures, a region outside, no picture at all: each is a fault with its sentence."""
    finding = look(camera_table(**changes), lambda _table, _folder: ScriptedSource(script))
    assert finding.fault is not None
    assert says in finding.fault


def test_a_driver_that_hangs_is_told() -> None:
    """A look comes to its end within its time, whatever the driver does."""
    hangs = threading.Event()

    def create(_table: object, _folder: Path) -> Source:
        return ScriptedSource([hangs])

    finding = look(camera_table(), create)
    hangs.set()
    assert finding.fault is not None
    assert "did not come back" in finding.fault


def test_files_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    """A look at a folder reads a file, and leaves it where it is, for the agent to take over."""
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((20, 30), 99, np.uint8))
    source = {"kind": "folder", "path": tmp_path, "after": "delete", "poll_s": 0.01, "settle_s": 0}
    finding = look(camera_table(source=source))
    assert finding.fault is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]

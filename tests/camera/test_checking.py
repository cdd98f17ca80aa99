import io
import json
import socket
import threading
from dataclasses import replace
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

from flawgate_camera.checking.cameras import _Watched, look
from flawgate_camera.checking.report import Checked, check, show
from flawgate_camera.config.cameras import Configuration
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.sources.base import Source, picture_of
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
        (
            Unauthenticated("The API key has expired; make another one."),
            "The API key has expired; make another one (no key file is set).",
        ),
    ],
)
async def test_what_the_gateway_says_is_told(error: FlawgateError, says: str) -> None:
    """A recipe or a key, and where that stands, is told in the gateway's words, once for all cameras."""
    async with serving(ScriptedStream(refusals=[error, error])) as target:
        checked = await check(configured(GENERATED, GENERATED, target=target))
    assert [one.gateway for one in checked] == [f"Gateway {target}: {says}"] * 2
    assert shown(checked, 200).count(says) == 1


async def test_a_recipe_that_is_not_there_is_told() -> None:
    """The gateway says it with its welcome, before any frame is sent."""
    gateway = ScriptedStream(recipe_fault="There is no recipe 'textur' here; known are: texture.")
    async with serving(gateway) as target:
        (one,) = await check(configured(GENERATED, target=target))
    assert one.gateway == f"Gateway {target}: {gateway.recipe_fault}"
    assert not one.good


async def test_a_trigger_that_cannot_be_heard_is_told() -> None:
    """A port that is taken and a broker that is away are faults of the camera, each with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_port, free = taken.getsockname()[1], free_port()
        triggers = [
            {"kind": "tcp", "port": taken_port},
            {"kind": "mqtt", "host": "127.0.0.1", "port": free, "topic": "part"},
            {"kind": "tcp", "port": free},
        ]
        cameras = tuple(
            camera_table(name=f"cam{n}", source=GENERATED, trigger=trigger) for n, trigger in enumerate(triggers)
        )
        async with serving(ScriptedStream()) as target:
            checked = await check(Configuration(cameras=cameras, gateway=Gateway(target=target)))
    by_tcp, by_mqtt, good = checked
    assert by_tcp.trigger == (
        f"The trigger cannot listen on 127.0.0.1:{taken_port} (Address already in use); take a port that nothing else "
        "uses, and an address of this machine."
    )
    assert by_mqtt.trigger is not None
    assert by_mqtt.trigger.startswith(f"The trigger's broker 127.0.0.1:{free} cannot be used (")
    assert by_tcp.trigger in shown(checked, 200)
    assert [one.good for one in checked] == [False, False, True], good


async def test_a_gateway_that_is_not_there_is_told() -> None:
    """The camera is looked through all the same; the sentence names the address and what to look at."""
    target = f"127.0.0.1:{free_port()}"
    (one,) = await check(configured(GENERATED, target=target))
    assert one.finding.fault is None
    assert one.gateway is not None
    assert f"No gateway answers at {target}; check that it runs, that this is its gRPC door" in one.gateway
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


@pytest.mark.parametrize(("others", "fault"), [(["b.png"], None), ([], "cannot be inspected")])
def test_a_damaged_file_is_told_only_where_there_is_no_other(
    tmp_path: Path, others: list[str], fault: str | None
) -> None:
    """One file that is no picture does not keep a folder's camera from starting."""
    (tmp_path / "a.png").write_bytes(b"no picture")
    for name in others:
        cv2.imwrite(str(tmp_path / name), np.full((20, 30), 99, np.uint8))
    finding = look(camera_table(source={"kind": "folder", "path": tmp_path, "poll_s": 0.01, "settle_s": 0}))
    assert (finding.fault is None) == (fault is None)
    assert (fault or "") in (finding.fault or "")


def test_a_burst_at_the_beginning_is_no_rate() -> None:
    """A network camera gives at once what had gathered; the rate told is that of the pictures after it."""
    watched = _Watched()
    for acquired in (*[100.0] * 25, *(100 + 0.1 * number for number in range(1, 16))):
        watched.note(replace(picture_of(np.zeros((2, 2), np.uint8)), acquired=acquired))
    assert watched.rate() == pytest.approx(10)

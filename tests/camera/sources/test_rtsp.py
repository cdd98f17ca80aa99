"""Against a real RTSP server: skipped where Debian's GStreamer (see .ci/run) is not installed."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import support
from support.camera_parts import read_pictures
from support.ports import free_port

from flawgate_camera.config.sources import VideoSource as Config
from flawgate_camera.sources.base import Cause, SourceFailed
from flawgate_camera.sources.video import VideoSource

PYTHON = "/usr/bin/python3"
"""The system's own, to which GStreamer's bindings belong."""
SERVER = Path(next(iter(support.__path__))) / "rtsp_server.py"
NEEDED = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
    "Gst.init(None); assert Gst.ElementFactory.find('x264enc')"
)
PASSWORD = "s3cr3t"  # noqa: S105  # of no camera


@pytest.fixture(scope="module", autouse=True)
def gstreamer() -> None:
    """Skip all of it where there is no server."""
    try:
        found = subprocess.run([PYTHON, "-c", NEEDED], check=False, capture_output=True, timeout=30).returncode == 0
    except OSError:
        found = False
    if not found:
        pytest.skip("no RTSP server: install gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-ugly")


@contextmanager
def camera(port: int, *access: str) -> Iterator[str]:
    """A camera until the end of the block; gives its address."""
    process = subprocess.Popen([PYTHON, str(SERVER), str(port), *access], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def source(url: str, **changes: float) -> VideoSource:
    """A source of that URL."""
    table = {"kind": "video", "url": url, "open_timeout_s": 5, "read_timeout_s": 2} | changes
    return VideoSource(Config.model_validate(table))


@pytest.mark.parametrize("method", ["basic", "digest"])
def test_a_camera_with_a_password_is_watched(method: str) -> None:
    """H.264 comes as RGB pictures, whichever way the camera asks for the password."""
    with camera(free_port(), method, "tech", PASSWORD) as address:
        video = source(f"rtsp://tech:{PASSWORD}@{address}/stream")
        video.open()
        pictures = read_pictures(video, 5)
        video.close()
    assert {picture.pixels.shape for picture in pictures} == {(480, 640, 3)}
    assert all(picture.pixels.std() > 20 for picture in pictures)


@pytest.mark.parametrize("user", ["tech:wr0ng@", ""])
def test_a_wrong_password_is_the_cause(user: str) -> None:
    """Without a password, or with a wrong one, that is what is said, and it is not shown."""
    with camera(free_port(), "digest", "tech", PASSWORD) as address:
        video = source(f"rtsp://{user}{address}/stream")
        with pytest.raises(SourceFailed) as raised:
            video.open()
        video.close()
    assert raised.value.cause is Cause.CREDENTIALS
    assert "wr0ng" not in raised.value.message


def test_a_wrong_path_is_the_cause() -> None:
    """A camera that has no such stream says so, and is believed."""
    with camera(free_port()) as address:
        video = source(f"rtsp://{address}/nothing")
        with pytest.raises(SourceFailed) as raised:
            video.open()
        video.close()
    assert raised.value.cause is Cause.MISSING


def test_a_camera_that_dies_comes_back() -> None:
    """A camera that is switched off in mid-stream is down within its time-out, and is watched again afterwards."""
    port = free_port()
    with camera(port) as address:
        video = source(f"rtsp://{address}/stream")
        video.open()
        read_pictures(video, 3)
    with pytest.raises(SourceFailed) as raised:
        read_pictures(video, 1000)
    video.close()
    assert raised.value.cause in (Cause.ENDED, Cause.TIMED_OUT)
    with camera(port):
        video.open()
        assert len(read_pictures(video, 3)) == 3
        video.close()


@pytest.mark.parametrize(("behind_s", "passes_over"), [(600, False), (0.5, True)])
def test_a_reader_slower_than_its_camera_knows_how_late_it_is(behind_s: float, *, passes_over: bool) -> None:
    """Pictures that waited in buffers are as old as they are; those further behind than allowed are passed over."""
    with camera(free_port()) as address:
        video = source(f"rtsp://{address}/stream", behind_s=behind_s)
        video.open()
        read_pictures(video, 10)
        pictures = []
        for _ in range(6):
            time.sleep(0.5)
            pictures += read_pictures(video, 1)
            age_s = time.monotonic() - pictures[-1].acquired
        video.close()
    assert (sum(picture.passed_over for picture in pictures) > 5) is passes_over
    assert (age_s > 1.5) is not passes_over
    assert pictures == sorted(pictures, key=lambda picture: picture.acquired)

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.camera_parts import read_pictures
from support.mjpeg_camera import mjpeg_camera
from support.ports import free_port
from support.raw_rtsp import rtsp_camera

from flawgate_camera.config.sources import VideoSource as Config
from flawgate_camera.sources.base import Cause, SourceFailed
from flawgate_camera.sources.video import VideoSource

PASSWORD = "s3cr3t"  # noqa: S105  # of no camera


def source(url: str, **changes: Any) -> VideoSource:
    """A source of that URL with short time-outs."""
    table = {"kind": "video", "url": url, "open_timeout_s": 2, "read_timeout_s": 1} | changes
    return VideoSource(Config.model_validate(table))


def with_password(url: str, password: str) -> str:
    """The URL with user and password."""
    return url.replace("://", f"://tech:{password}@")


def failure_at_open(camera: VideoSource) -> SourceFailed:
    """Why it cannot be opened."""
    with pytest.raises(SourceFailed) as raised:
        camera.open()
    camera.close()
    return raised.value


def test_pictures_come_and_the_end_is_told() -> None:
    """A stream's pictures come as RGB; where it breaks off, that is the cause, and it can be opened again."""
    with mjpeg_camera(frames=5) as camera:
        video = source(camera.url)
        for _ in range(2):
            video.open()
            assert read_pictures(video, 2)[0].pixels.shape == (48, 64, 3)
            with pytest.raises(SourceFailed, match="broke off") as raised:
                read_pictures(video, 10)
            assert raised.value.cause is Cause.ENDED
            video.close()


def test_a_stalled_stream_is_told() -> None:
    """A camera that stands but sends nothing more is told within its time-out."""
    with mjpeg_camera(stalls_after=3) as camera:
        video = source(camera.url)
        video.open()
        with pytest.raises(SourceFailed, match="No picture came") as raised:
            read_pictures(video, 10)
        video.close()
    assert raised.value.cause is Cause.TIMED_OUT


def test_credentials_open_a_camera(tmp_path: Path) -> None:
    """User and password from the URL or from a file let us in; the file is read at each connect."""
    file = tmp_path / "credentials"
    file.write_text("tech:old\n")
    with mjpeg_camera(password=PASSWORD) as camera:
        for video in (source(with_password(camera.url, PASSWORD)), source(camera.url, credentials_file=file)):
            file.write_text(f"tech:{PASSWORD}\n")
            video.open()
            read_pictures(video, 1)
            video.close()


@pytest.mark.parametrize(("given", "says"), [("", "asks for a user"), ("tech:wr0ng@", "does not take the user")])
def test_wrong_credentials_are_told(given: str, says: str) -> None:
    """A camera that does not let us in is told as that, without what was tried."""
    with mjpeg_camera(password=PASSWORD) as camera:
        failure = failure_at_open(source(camera.url.replace("://", f"://{given}")))
    assert failure.cause is Cause.CREDENTIALS
    assert says in failure.message
    assert "wr0ng" not in failure.message


@pytest.mark.parametrize(
    ("status", "cause"),
    [(401, Cause.CREDENTIALS), (404, Cause.MISSING), (500, Cause.UNREACHABLE), (200, Cause.NOT_A_PICTURE)],
)
def test_what_an_rtsp_camera_says_is_told(status: int, cause: Cause) -> None:
    """The status of an RTSP camera decides the cause."""
    with rtsp_camera(status) as url:
        failure = failure_at_open(source(with_password(url, PASSWORD)))
    assert failure.cause is cause
    assert PASSWORD not in failure.message


def test_nothing_there_is_told() -> None:
    """A camera that is off is told by host and port."""
    failure = failure_at_open(source(f"rtsp://tech:{PASSWORD}@127.0.0.1:{free_port()}/live"))
    assert failure.cause is Cause.UNREACHABLE
    assert "Connection refused" in failure.message
    assert PASSWORD not in failure.message


def test_a_missing_credentials_file_is_told(tmp_path: Path) -> None:
    """A file that is not there is told; it may come later."""
    failure = failure_at_open(source("rtsp://127.0.0.1/live", credentials_file=tmp_path / "none"))
    assert failure.cause is Cause.CREDENTIALS


SCRIPT = """
import sys
from flawgate_camera.config.sources import VideoSource as Config
from flawgate_camera.sources.video import VideoSource
source = VideoSource(Config(kind="video", url=sys.argv[1], open_timeout_s=2, read_timeout_s=1))
try:
    source.open()
except Exception as err:
    print(repr(err), err)
"""


def test_no_library_prints_the_password() -> None:
    """What OpenCV and FFmpeg write to the terminal by themselves holds no URL: they write nothing."""
    with mjpeg_camera(password="other") as camera:  # noqa: S106  # of no camera
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, with_password(camera.url, PASSWORD)],
            check=True,
            capture_output=True,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("OPENCV")},
        )
    assert "CREDENTIALS" in done.stdout or "does not take" in done.stdout
    assert done.stderr == ""
    assert PASSWORD not in done.stdout

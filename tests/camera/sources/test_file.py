import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.camera_parts import read_pictures

from flawgate_camera.config.sources import FileSource as Config
from flawgate_camera.sources.base import Cause, SourceEnded, SourceFailed
from flawgate_camera.sources.file import FileSource

LEVELS = (40, 120, 200)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Three pictures of 64 × 48 at 20 a second, each of one red level."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (64, 48))
    for red in LEVELS:
        writer.write(np.full((48, 64, 3), (0, 0, red), np.uint8))
    writer.release()
    return path


def test_a_file_is_read_to_its_end(video: Path) -> None:
    """All pictures come, in order, as RGB; then the source has ended, and stays so."""
    source = FileSource(Config(kind="file", path=video, pace="fastest"))
    source.open()
    pictures = read_pictures(source, 3)
    reds = [float(picture.pixels[..., 0].mean()) for picture in pictures]
    assert reds == pytest.approx(LEVELS, abs=4)
    assert pictures[0].pixels.shape == (48, 64, 3)
    for _ in range(2):
        with pytest.raises(SourceEnded):
            source.read()
    source.close()


def test_a_file_is_repeated(video: Path) -> None:
    """With `repeat` it begins again at its end."""
    source = FileSource(Config(kind="file", path=video, pace="fastest", repeat=True))
    source.open()
    pictures = read_pictures(source, 7)
    source.close()
    assert abs(int(pictures[6].pixels[..., 0].mean()) - LEVELS[0]) <= 4


def test_a_file_keeps_its_own_pace(video: Path) -> None:
    """Three pictures at 20 a second take 100 ms."""
    source = FileSource(Config(kind="file", path=video))
    source.open()
    began = time.monotonic()
    read_pictures(source, 3)
    source.close()
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize(
    ("content", "cause"), [(None, Cause.MISSING), (b"no video", Cause.NOT_A_PICTURE), (b"", Cause.NOT_A_PICTURE)]
)
def test_what_is_no_video_is_told(tmp_path: Path, content: bytes | None, cause: Cause) -> None:
    """A file that is missing, empty or something else fails with its cause and its path."""
    path = tmp_path / "film.avi"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceFailed, match="film") as raised:
        FileSource(Config(kind="file", path=path)).open()
    assert raised.value.cause is cause

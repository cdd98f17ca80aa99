import re
from pathlib import Path

import flawgate_camera
from flawgate_camera.config.loading import parse
from flawgate_camera.config.sources import VideoSource

README = Path(flawgate_camera.__file__).parents[1] / "README.md"


def test_the_example_can_be_run() -> None:
    """The configuration that the README shows is one."""
    (example,) = re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    (camera,) = parse(example, "README.md").cameras
    assert isinstance(camera.source, VideoSource)
    assert str(camera.source.url) == "rtsp://192.168.0.10/stream"

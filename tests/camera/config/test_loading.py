from pathlib import Path

import pytest

from flawgate_camera.config.delivery import LosslessDelivery
from flawgate_camera.config.loading import load, parse
from flawgate_camera.config.sources import VideoSource
from flawgate_contracts.errors import InvalidParameter

SECRET = "s3cr3t"  # noqa: S105  # of no camera

GOOD = f"""
[gateway]
target = "10.0.0.5:8081"
key_file = "agent.key"

[[cameras]]
name = "cam1"
station = "S4"
recipe = "commutator"
source = {{ kind = "video", url = "rtsp://admin:{SECRET}@10.0.0.9:8554/stream?token={SECRET}" }}
trigger = {{ kind = "nth", n = 5 }}
region = {{ x = 10, width = 640, height = 480 }}
encoding = {{ format = "jpeg", quality = 90 }}
delivery = {{ policy = "lossless", max_bytes = 10e9 }}
"""


def test_a_file_becomes_tables() -> None:
    """What is written is read, and what is not written has its default."""
    camera = parse(GOOD, "cameras.toml").cameras[0]
    assert (camera.name, camera.trigger.kind, camera.health.frozen_after_s) == ("cam1", "nth", 10)
    assert camera.delivery == LosslessDelivery(max_bytes=10_000_000_000)


def test_no_repr_shows_a_password() -> None:
    """A configuration can be logged: the URL shows neither password nor query, but is whole where it is used."""
    configuration = parse(GOOD, "cameras.toml")
    source = configuration.cameras[0].source
    assert isinstance(source, VideoSource)
    assert SECRET not in f"{configuration!r} {configuration} {source.url} {source.url!r}"
    assert str(source.url) == "rtsp://10.0.0.9:8554/stream?***"
    assert source.url.whole() == f"rtsp://admin:{SECRET}@10.0.0.9:8554/stream?token={SECRET}"


@pytest.mark.parametrize(
    ("written", "instead", "sentence"),
    [
        ("rtsp://", "gopher://", "camera cam1, source.url: write a URL that begins with rtsp://"),
        (":8554", ":99999", "camera cam1, source.url: write a URL with a host"),
        ('kind = "video"', 'kind = "vidio"', "camera cam1, source: 'kind' must be one of 'video', 'usb'"),
        ('kind = "video", ', "", "camera cam1, source: 'kind' is missing, write it"),
        ("station =", "statoin =", "camera cam1, station: it is missing, write it"),
        ("station =", "statoin =", "camera cam1, statoin: no such key is known here, remove it or mend its spelling"),
        ('station = "S4"', "station = 4", "camera cam1, station: it should be a valid string"),
        ("{ x = 10, width = 640, height = 480 }", '"all"', "camera cam1, region: write a table, { ... }"),
        ('"10.0.0.5:8081"', '"10.0.0.5"', "gateway.target: write host and port of the gRPC door, such as"),
        ('"10.0.0.5:8081"', '"http://10.0.0.5:8081"', "gateway.target: write host and port of the gRPC door"),
        ("n = 5", "n = 0", "camera cam1, trigger.n: it should be greater than or equal to 1"),
        ('"cam1"', '"cam 1"', "camera cam 1, name: write 1 to 64 letters"),
        ('"S4"', '"S\\n4"', "camera cam1, station: write 1 to 128 characters, none of them a control character"),
        ("width = 640, ", "", "camera cam1, region.width: it is missing, write it"),
        ('key_file = "agent.key"', 'certificate_file = "a.pem"', "gateway: certificate_file and private_key_file go"),
        ("[[cameras]]", "[[camera]]", "camera: no such key is known here"),
        ("station =", "station", "cameras.toml is no TOML"),
    ],
)
def test_each_fault_is_named(written: str, instead: str, sentence: str) -> None:
    """A fault is told with file, camera and key and with what to write, and no secret is told along."""
    assert written in GOOD
    with pytest.raises(InvalidParameter) as raised:
        parse(GOOD.replace(written, instead), "cameras.toml")
    assert raised.value.message.startswith("cameras.toml")
    assert sentence in raised.value.message
    assert SECRET not in raised.value.message


@pytest.mark.parametrize("source", ['{ kind = "folder", path = "in" }', '{ kind = "usb", device = 0 }'])
def test_two_cameras_share_nothing(source: str) -> None:
    """Two cameras of one folder, or of one device, would take each other's pictures: refused."""
    camera = '[[cameras]]\nname = "{}"\nstation = "S"\nrecipe = "r"\nsource = {}\n'
    with pytest.raises(InvalidParameter, match=r"two cameras use the (folder in|device 0): give each its own"):
        parse(camera.format("a", source) + camera.format("b", source), "cameras.toml")


def test_names_are_unique() -> None:
    """A name says which camera it is."""
    with pytest.raises(InvalidParameter, match="two cameras use the name cam1"):
        parse(GOOD + GOOD[GOOD.index("[[cameras]]") :], "cameras.toml")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"", "no camera is described, write a table"),
    ],
)
def test_what_is_no_configuration_is_told(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    """A file that is missing, or is something else, is told in a sentence."""
    path = tmp_path / "cameras.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidParameter, match=sentence):
        load(path)


def test_a_fault_of_an_alarm_names_the_alarm() -> None:
    """By its name, or by its place where it has none."""
    alarms = """
[[cameras.alarms]]
name = "horn"
action = { kind = "shell", command = "/usr/bin/play horn.wav" }
[[cameras.alarms]]
n = 0
action = { kind = "log" }
"""
    with pytest.raises(InvalidParameter) as raised:
        parse(GOOD + alarms, "cameras.toml")
    assert raised.value.message == (
        "cameras.toml: camera cam1, alarm horn, action.command: write a list in square brackets; "
        "camera cam1, alarm number 2, n: it should be greater than or equal to 1."
    )

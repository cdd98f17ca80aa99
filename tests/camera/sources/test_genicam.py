from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.camera_parts import read_pictures
from support.fake_harvesters import FakeAcquirer, FakeComponent, FakeHarvester

from flawgate_camera.config.sources import GenicamSource as Config
from flawgate_camera.sources.base import Cause, SourceFailed
from flawgate_camera.sources.genicam import GenicamSource, list_devices

MONO = FakeComponent("Mono8", np.arange(12, dtype=np.uint8).reshape(3, 4), width=4, height=3)


def source_of(
    *script: FakeComponent | Exception | None, serials: tuple[str, ...] = ("A1", "B2"), **changes: Any
) -> tuple[GenicamSource, FakeHarvester]:
    """A source, and the Harvester that it will find."""
    harvester = FakeHarvester(FakeAcquirer(list(script)), serials)
    config = Config.model_validate({"kind": "genicam", "producer": "maker.cti"} | changes)
    return GenicamSource(config, lambda _producer: harvester), harvester


@pytest.mark.parametrize(
    ("name", "pixels", "first"),
    [
        ("Mono8", np.full((4, 6), 9, np.uint8), 9),
        ("RGB8", np.tile(np.array([1, 2, 3], np.uint8), (4, 6, 1)), [1, 2, 3]),
        ("BGR8", np.tile(np.array([1, 2, 3], np.uint8), (4, 6, 1)), [3, 2, 1]),
        ("BayerRG8", np.tile(np.array([[200, 100], [100, 50]], np.uint8), (2, 3)), [200, 100, 50]),
        ("BayerBG8", np.tile(np.array([[50, 100], [100, 200]], np.uint8), (2, 3)), [200, 100, 50]),
    ],
)
def test_each_format_becomes_grey_or_rgb(name: str, pixels: np.ndarray[Any, Any], first: object) -> None:
    """Rows lose their padding, colours become RGB, and the buffer goes back to the producer."""
    source, harvester = source_of(FakeComponent(name, pixels, width=6, height=4))
    source.open()
    picture = read_pictures(source, 1)[0]
    assert picture.pixels[2, 3].tolist() == first
    assert picture.pixels.shape[:2] == (4, 6)
    assert harvester.acquirer.lent == []


def test_the_device_is_found_and_set() -> None:
    """The device is named by its serial number, gets its features, is started, and let go of in the end."""
    source, harvester = source_of(MONO, device="B2", features={"ExposureTime": 5000.0})
    source.open()
    source.close()
    assert harvester.created == [1]
    assert harvester.acquirer.remote_device.node_map.ExposureTime.value == 5000.0
    assert harvester.acquirer.calls == ["start", "stop", "destroy"]
    assert harvester.was_reset


def _open_and_read(source: GenicamSource) -> None:
    source.open()
    read_pictures(source, 1)


@pytest.mark.parametrize(
    ("script", "changes", "cause", "says"),
    [
        ([], {"device": "C3"}, Cause.MISSING, "Found: A1, B2"),
        ([], {"serials": ()}, Cause.MISSING, "Found: none"),
        ([], {"features": {"Exposure": 1}}, Cause.MISSING, "The feature Exposure cannot be set"),
        ([RuntimeError("gone")], {}, Cause.ENDED, "broke off"),
        ([], {"read_timeout_s": 0.01}, Cause.TIMED_OUT, "waits_for_trigger = true"),
        ([FakeComponent("Mono12", MONO.pixels, 4, 3)], {}, Cause.NOT_A_PICTURE, "Pixels of format Mono12"),
    ],
)
def test_each_failure_has_its_cause(script: list[Any], changes: dict[str, Any], cause: Cause, says: str) -> None:
    """What goes wrong with the device is told with its cause and what to do."""
    source, _ = source_of(*script, **changes)
    with pytest.raises(SourceFailed, match=says) as raised:
        _open_and_read(source)
    assert raised.value.cause is cause


def test_a_triggered_camera_may_be_silent() -> None:
    """Where the camera's own input triggers it, no picture is no failure."""
    source, _ = source_of(read_timeout_s=0.01, waits_for_trigger=True)
    source.open()
    assert [source.read() for _ in range(20)] == [None] * 20


def test_devices_are_listed() -> None:
    """A technician sees which devices a producer finds."""
    _, harvester = source_of()
    assert [device["serial_number"] for device in list_devices(harvester)] == ["A1", "B2"]


def test_what_is_not_installed_is_told(tmp_path: Path) -> None:
    """Without Harvesters, or without the maker's driver, the sentence says what to install."""
    source = GenicamSource(Config(kind="genicam", producer=tmp_path / "maker.cti"))
    with pytest.raises(SourceFailed, match="install") as raised:
        source.open()
    assert raised.value.cause is Cause.NOT_INSTALLED

"""An industrial camera by its maker's GenTL producer, through Harvesters (GenTL 1.6, SFNC 2.7, PFNC 2.4)."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_camera.config.sources import GenicamSource as Config
from flawgate_camera.frames import Picture
from flawgate_camera.sources.base import Cause, SourceFailed, picture_of

_SLICE_S = 0.25
"""So long a fetch waits at most, that the agent can be stopped."""

_TO_RGB = {
    "BGR8": cv2.COLOR_BGR2RGB,
    "BayerRG8": cv2.COLOR_BayerRGGB2RGB,
    "BayerGR8": cv2.COLOR_BayerGRBG2RGB,
    "BayerGB8": cv2.COLOR_BayerGBRG2RGB,
    "BayerBG8": cv2.COLOR_BayerBGGR2RGB,
}
"""PFNC's names for the pattern's first two pixels, and what OpenCV calls them."""

_CHANNELS = {"Mono8": 1, "RGB8": 3, "BGR8": 3} | {name: 1 for name in _TO_RGB if name.startswith("Bayer")}


def harvester_of(producer: Path) -> Any:
    """A Harvester with one GenTL producer, which has not looked for devices yet.

    Raises:
        SourceFailed: Harvesters is not installed, or the producer is missing.
    """
    try:
        core = import_module("harvesters.core")
    except ImportError:
        raise SourceFailed(
            Cause.NOT_INSTALLED, "GenICam needs Harvesters: install flawgate-camera[genicam], and the maker's driver."
        ) from None
    if not producer.is_file():
        raise SourceFailed(
            Cause.NOT_INSTALLED, f"There is no GenTL producer {producer}; install the camera maker's driver."
        )
    harvester = core.Harvester()
    harvester.add_file(str(producer))
    return harvester


def list_devices(harvester: Any) -> list[dict[str, str]]:
    """What a Harvester finds: id, maker, model, serial number and name of each device."""
    harvester.update()
    keys = ("id_", "vendor", "model", "serial_number", "user_defined_name")
    return [
        {key.rstrip("_"): str(info.property_dict.get(key) or "") for key in keys} for info in harvester.device_info_list
    ]


class GenicamSource:
    """Reads a device until it is unplugged.

    Args:
        config: which device, and what is set there.
        loading: makes a Harvester; the real one where a test gives no other.
    """

    live = True
    hands_over = False

    def __init__(self, config: Config, loading: Callable[[Path], Any] = harvester_of) -> None:
        self._config = config
        self._loading = loading
        self._harvester: Any = None
        self._acquirer: Any = None
        self._last = 0.0
        self.open_within_s = config.open_timeout_s
        self.read_within_s = config.read_timeout_s + 5

    def open(self) -> None:
        """Find the device, set its features, start it."""
        try:
            self._harvester = self._loading(self._config.producer)
            self._acquirer = self._harvester.create(self._number())
            for name, value in self._config.features.items():
                self._set(name, value)
            self._acquirer.start()
        except SourceFailed:
            raise
        except Exception as err:  # noqa: BLE001  # each producer raises classes of its own
            raise SourceFailed(
                Cause.UNREACHABLE,
                f"The GenICam device cannot be opened ({type(err).__name__}); is it in use elsewhere?",
            ) from None
        self._last = monotonic()

    def _number(self) -> int:
        found = list_devices(self._harvester)
        for number, facts in enumerate(found):
            if self._config.device is None or self._config.device in facts.values():
                return number
        names = ", ".join(facts["serial_number"] or facts["id"] for facts in found) or "none"
        raise SourceFailed(
            Cause.MISSING,
            f"There is no GenICam device {self._config.device or ''}; check cable and power. Found: {names}.",
        )

    def _set(self, name: str, value: object) -> None:
        try:
            getattr(self._acquirer.remote_device.node_map, name).value = value
        except Exception as err:  # noqa: BLE001  # as above
            raise SourceFailed(
                Cause.MISSING,
                f"The feature {name} cannot be set as written ({type(err).__name__}); look up its range in the manual.",
            ) from None

    def read(self) -> Picture | None:
        """The next picture."""
        try:
            buffer = self._acquirer.try_fetch(timeout=_SLICE_S)
        except Exception as err:  # noqa: BLE001  # as above
            raise SourceFailed(
                Cause.ENDED, f"The GenICam device broke off ({type(err).__name__}); check cable and power."
            ) from None
        if buffer is None:
            self._check_silence()
            return None
        try:
            picture = picture_of(_pixels(buffer.payload.components[0]))
        finally:
            buffer.queue()
        self._last = monotonic()
        return picture

    def _check_silence(self) -> None:
        if monotonic() - self._last >= self._config.read_timeout_s and not self._config.waits_for_trigger:
            raise SourceFailed(
                Cause.TIMED_OUT,
                f"No picture came from the GenICam device for {self._config.read_timeout_s:g} s; if its own input "
                "triggers it, write waits_for_trigger = true.",
            )

    def taken(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Stop the device and let go of it."""
        acquirer, harvester = self._acquirer, self._harvester
        self._acquirer = self._harvester = None
        try:
            if acquirer is not None:
                acquirer.stop()
                acquirer.destroy()
        finally:
            if harvester is not None:
                harvester.reset()


def _pixels(component: Any) -> NDArray[np.uint8]:
    """A copy, since the buffer goes back: grey (H, W) or RGB (H, W, 3), uint8, 0–255, without padding."""
    name, width, height = str(component.data_format), int(component.width), int(component.height)
    channels = _CHANNELS.get(name)
    if channels is None:
        known = ", ".join(_CHANNELS)
        raise SourceFailed(
            Cause.NOT_A_PICTURE,
            f"Pixels of format {name} cannot be read; write features = {{ PixelFormat = ... }}: {known}.",
        )
    rows: NDArray[np.uint8] = component.represent_pixel_location()[:height, : width * channels]
    shaped = rows.reshape(height, width, channels) if channels > 1 else rows
    return cv2.cvtColor(shaped, _TO_RGB[name]).astype(np.uint8) if name in _TO_RGB else shaped.copy()

"""A Harvester of the interface of Harvesters 1.4 (`harvesters.core`), with one made-up device."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray


class NodeMap:
    """The features of the device; another one than these is an error, as there."""

    def __init__(self) -> None:
        self.ExposureTime = SimpleNamespace(value=0.0)
        self.PixelFormat = SimpleNamespace(value="Mono8")


@dataclass
class FakeComponent:
    """One picture in the producer's memory, with padding at the end of each row."""

    data_format: str
    pixels: NDArray[np.uint8]
    width: int
    height: int

    def represent_pixel_location(self) -> NDArray[np.uint8]:
        """Rows with their padding: (height, width × channels + padding)."""
        return np.pad(self.pixels.reshape(self.height, -1), ((0, 0), (0, 3)))


@dataclass
class FakeBuffer:
    """Belongs to the producer until it is queued again."""

    payload: Any
    lent: list[Any]

    def queue(self) -> None:
        """Give it back."""
        self.lent.remove(self)


@dataclass
class FakeAcquirer:
    """The device, opened."""

    script: list[FakeComponent | Exception | None]
    lent: list[Any] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    remote_device: Any = field(default_factory=lambda: SimpleNamespace(node_map=NodeMap()))

    def start(self) -> None:
        """Remember."""
        self.calls.append("start")

    def stop(self) -> None:
        """Remember."""
        self.calls.append("stop")

    def destroy(self) -> None:
        """Remember."""
        self.calls.append("destroy")

    def try_fetch(self, *, timeout: float) -> FakeBuffer | None:
        """The next of the script; None at its end."""
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        if step is None:
            return None
        buffer = FakeBuffer(SimpleNamespace(components=[step]), self.lent)
        self.lent.append(buffer)
        return buffer


@dataclass
class FakeHarvester:
    """Finds devices of these serial numbers; the one that is created plays the script."""

    acquirer: FakeAcquirer
    serials: tuple[str, ...] = ("A1", "B2")
    created: list[int] = field(default_factory=list)
    was_reset: bool = False
    device_info_list: list[Any] = field(default_factory=list)

    def update(self) -> None:
        """Look for devices."""
        self.device_info_list = [
            SimpleNamespace(property_dict={"id_": f"dev-{serial}", "serial_number": serial}) for serial in self.serials
        ]

    def create(self, number: int) -> FakeAcquirer:
        """Open a device."""
        self.created.append(number)
        return self.acquirer

    def reset(self) -> None:
        """Let go of everything."""
        self.was_reset = True

"""Which TensorRT the plans are built with: one place for the pin, its fallback and what they ask of the machine.

A plan runs only on the TensorRT that built it and on the GPU architecture that it was built on. So it is built inside
the very image that serves it; docs/tensorrt.md says where these numbers come from.
"""

from typing import NamedTuple

from flawgate_contracts.errors import InvalidParameter


class Version(NamedTuple):
    """Of TensorRT; shown as `11.1.0.106`."""

    major: int
    minor: int
    patch: int
    build: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


class Pin(NamedTuple):
    """A TensorRT that we build with.

    Attributes:
        tensorrt: its version.
        image: of Triton, which holds it; None where none is known.
        driver: the least major version of NVIDIA's driver; None where its image says.
    """

    tensorrt: Version
    image: str | None
    driver: int | None


PINNED = Pin(Version(11, 1, 0, 106), "nvcr.io/nvidia/tritonserver:26.07-py3", 580)

FALLBACK = Pin(Version(10, 16, 1, 11), None, None)
"""The last TensorRT 10, for hosts that cannot move."""

PINS = (PINNED, FALLBACK)


def pin_of(tensorrt: Version) -> Pin:
    """The pin of a version.

    Raises:
        InvalidParameter: it has none.
    """
    for pin in PINS:
        if pin.tensorrt == tensorrt:
            return pin
    raise InvalidParameter(
        f"This is TensorRT {tensorrt}; plans are built with {PINNED.tensorrt}, inside {PINNED.image}, or with "
        f"{FALLBACK.tensorrt}. Run this command there.",
        {"field": "trtexec"},
    )


def check_driver(pin: Pin, driver: str) -> None:
    """Refuse a driver that is too old.

    Args:
        pin: what is to run on it.
        driver: as nvidia-smi says it, e.g. `580.82.07`.

    Raises:
        InvalidParameter: it is.
    """
    if pin.driver is not None and int(driver.partition(".")[0]) < pin.driver:
        raise InvalidParameter(
            f"The driver is {driver}, but TensorRT {pin.tensorrt} needs {pin.driver} or newer; update it (GeForce "
            "cards have no forward compatibility), or build with TensorRT "
            f"{FALLBACK.tensorrt}.",
            {"field": "device"},
        )

"""Pins of a Raspberry Pi, by gpiozero: an extra that is not there on other machines."""

import importlib
from typing import Any

EXTRA = "flawgate-camera[gpio]"


def open_pin(kind: str, pin: int, factory: Any = None, **options: Any) -> Any:
    """A device of gpiozero.

    Args:
        kind: its class, e.g. OutputDevice.
        pin: BCM number.
        factory: of pins; the machine's own where None.
        options: of the class.

    Raises:
        OSError: it cannot be had; the message is a sentence for a technician.
    """
    try:
        gpiozero = importlib.import_module("gpiozero")
    except ImportError:
        raise OSError(f"GPIO pins need gpiozero, which is not installed here: install {EXTRA}.") from None
    try:
        return getattr(gpiozero, kind)(pin, pin_factory=factory, **options)
    except Exception as err:
        raise OSError(
            f"The GPIO pin {pin} cannot be used ({type(err).__name__}: {err}); is this a Raspberry Pi, may the agent "
            "use /dev/gpiochip*, and does nothing else use the pin?"
        ) from err

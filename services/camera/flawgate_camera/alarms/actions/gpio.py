"""An alarm on a pin: fail-safe, where current flows as long as all is well.

A broken wire, a lost supply and a stopped agent then look like an alarm. A process that is killed cannot set its pins
back, and Raspberry Pi's kernels keep the level of an output that nobody drives any more; what stands still cannot tell
a dead agent from a content one. Pulses can: a watchdog relay falls off when they cease.
"""

import asyncio
from typing import Any

from flawgate_camera.alarms.actions.base import FIRST_WAIT_S, LONGEST_WAIT_S, Tried, changed
from flawgate_camera.alarms.facts import Signal
from flawgate_camera.alarms.gpio import open_pin
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.backoff import BackOff
from flawgate_camera.config.alarms import GpioAction


class GpioOutput:
    """Sets one pin. The event loop itself writes the level, and makes the pulses: they cease too where it hangs.

    Args:
        config: of the action.
        factory: of pins, of gpiozero; the machine's own where None.
    """

    def __init__(self, config: GpioAction, factory: Any = None) -> None:
        self._config = config
        self._factory = factory

    async def run(self, wanted: Wanted, tried: Tried) -> None:
        """See `Action`."""
        backoff = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S)
        while True:
            signal = await wanted.other_than(None)
            try:
                device = await asyncio.to_thread(self._open)
                await self._follow(device, wanted, tried)
            except OSError as err:
                tried(wanted.current or signal, str(err))
            await asyncio.sleep(backoff.after(0))

    def _open(self) -> Any:
        """The pin, in the state of an alarm."""
        return open_pin(
            "OutputDevice",
            self._config.pin,
            self._factory,
            active_high=self._config.active == "high",
            initial_value=self._energised(on=True),
        )

    def _energised(self, *, on: bool) -> bool:
        return (self._config.energised == "alarm") == on

    async def _follow(self, device: Any, wanted: Wanted, tried: Tried) -> None:
        """Show what is wanted until cancelled; then the pin is left as in an alarm.

        Raises:
            OSError: the pin can no longer be written.
        """
        try:
            signal = await wanted.other_than(None)
            while True:
                self._write(device, on=signal.on)
                tried(signal, None)
                wanted.settle(signal)
                signal = await self._hold(device, signal, wanted)
        finally:
            try:
                self._write(device, on=True)
            finally:
                device.close()

    async def _hold(self, device: Any, signal: Signal, wanted: Wanted) -> Signal:
        """Keep the level, or pulse, until something else is wanted."""
        pulse_s = None if signal.on else self._config.pulse_s
        while not await changed(wanted, signal, pulse_s):
            self._write(device, energised=not device.value)
        return await wanted.other_than(signal)

    def _write(self, device: Any, *, on: bool = False, energised: bool | None = None) -> None:
        try:
            device.value = self._energised(on=on) if energised is None else energised
        except Exception as err:
            raise OSError(f"The GPIO pin {self._config.pin} can no longer be written: {err}.") from err

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from support.alarms import Tries, a_signal, running, until

from flawgate_camera.alarms import gpio
from flawgate_camera.alarms.actions.gpio import GpioOutput
from flawgate_camera.alarms.facts import AlarmCause
from flawgate_camera.alarms.resetting import Button, keep_listening
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.config.alarms import GpioAction

mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: flawgate-camera[gpio]")

PIN, BUTTON_PIN = 17, 27
RESULTS = AlarmCause.RESULTS


class FadingPin:
    """A device whose chip is pulled out after so many writes; the rest is gpiozero's."""

    def __init__(self, device: Any, writes: int) -> None:
        object.__setattr__(self, "_device", device)
        object.__setattr__(self, "_left", writes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, "_left", self._left - 1)
        if self._left < 0:
            raise RuntimeError("the chip is gone")
        setattr(self._device, name, value)


class FadingOutput(GpioOutput):
    """Its first device fades."""

    fading = True

    def _open(self) -> Any:
        device, self.fading = (FadingPin(super()._open(), 1) if self.fading else super()._open()), False
        return device


@pytest.fixture
def factory() -> Iterator[Any]:
    """Pins that exist in memory only; gpiozero's own."""
    factory = mock.MockFactory()
    yield factory
    factory.close()


def output(factory: Any, **table: Any) -> GpioOutput:
    """An action on `PIN`."""
    return GpioOutput(GpioAction.model_validate({"kind": "gpio", "pin": PIN, **table}), factory)


@pytest.mark.parametrize(
    ("table", "good", "alarm"),
    [
        ({}, 1, 0),
        ({"active": "low"}, 0, 1),
        ({"energised": "alarm"}, 0, 1),
        ({"energised": "alarm", "active": "low"}, 1, 0),
    ],
)
async def test_current_flows_while_all_is_well(factory: Any, table: dict[str, str], good: int, alarm: int) -> None:
    """By default energised means good; a lamp may be lit in an alarm instead, and a relay board may be active low."""
    wanted, tries = Wanted(), Tries()
    async with running(output(factory, **table).run(wanted, tries)):
        levels = []
        for signal in (a_signal(), a_signal(RESULTS), a_signal()):
            wanted.want(signal)
            await asyncio.wait_for(wanted.settled(), 10)
            levels.append(int(factory.pin(PIN).state))
    assert levels == [good, alarm, good]
    assert tries.all == [("off", None), ("on", None), ("off", None)]


@pytest.mark.parametrize(("table", "alarm"), [({}, 0), ({"active": "low"}, 1), ({"energised": "alarm"}, 1)])
async def test_the_pin_is_never_good_before_and_after(factory: Any, table: dict[str, str], alarm: int) -> None:
    """It is opened in the state of an alarm, goes back to it when the agent stops, and is then let go of."""
    wanted, pin = Wanted(), factory.pin(PIN)
    async with running(output(factory, **table).run(wanted, Tries())):
        wanted.want(a_signal())
        await asyncio.wait_for(wanted.settled(), 10)
    written = [int(state.state) for state in pin.states]
    assert written[-2:] == [1 - alarm, alarm]
    assert 1 - alarm not in written[1:-2]
    assert pin.function == "input"


async def test_pulses_mean_good_and_cease_in_an_alarm(factory: Any) -> None:
    """A watchdog relay is kept by pulses that the event loop itself makes; an alarm is a level that stands still."""
    wanted, pin = Wanted(), factory.pin(PIN)
    async with running(output(factory, pulse_s=0.02).run(wanted, Tries())):
        wanted.want(a_signal())
        await until(lambda: len(pin.states) > 20)
        wanted.want(a_signal(RESULTS))
        await asyncio.wait_for(wanted.settled(), 10)
        count = len(pin.states)
        await asyncio.sleep(0.1)
        assert (len(pin.states), int(pin.state)) == (count, 0)
    pulses = [int(state.state) for state in pin.states[2:20]]
    assert pulses in ([1, 0] * 9, [0, 1] * 9)


async def test_a_pin_that_cannot_be_had_is_tried_again(factory: Any) -> None:
    """What is in use now may be free later; each try is told."""
    other = gpio.open_pin("OutputDevice", PIN, factory)
    wanted, tries = Wanted(), Tries()
    async with running(output(factory).run(wanted, tries)):
        wanted.want(a_signal())
        await until(lambda: len(tries.all) == 1)
        other.close()
        await asyncio.wait_for(wanted.settled(), 10)
    state, failure = tries.all[0]
    assert state == "off"
    assert failure is not None
    assert failure.startswith(f"The GPIO pin {PIN} cannot be used (GPIOPinInUse")
    assert tries.all[-1] == ("off", None)


async def test_a_pin_that_fails_later_is_opened_anew(factory: Any) -> None:
    """A chip that is gone for a moment costs a try, not the alarm."""
    wanted, tries = Wanted(), Tries()
    table = GpioAction.model_validate({"kind": "gpio", "pin": PIN})
    async with running(FadingOutput(table, factory).run(wanted, tries)):
        wanted.want(a_signal())
        await asyncio.wait_for(wanted.settled(), 10)
        wanted.want(a_signal(RESULTS))
        await asyncio.wait_for(wanted.settled(), 10)
        assert int(factory.pin(PIN).state) == 0
    failure = f"The GPIO pin {PIN} can no longer be written: the chip is gone."
    assert tries.all == [("off", None), ("on", failure), ("on", None)]


async def test_a_button_resets(factory: Any) -> None:
    """Each press between pin and ground counts once, in the event loop."""
    presses: list[None] = []
    pin = factory.pin(BUTTON_PIN)
    async with running(keep_listening(Button(BUTTON_PIN, factory), lambda: presses.append(None), "cam1")):
        await until(lambda: pin.pull == "up")
        for _ in range(2):
            await asyncio.sleep(0.1)
            pin.drive_low()
            await asyncio.sleep(0.1)
            pin.drive_high()
        await until(lambda: len(presses) == 2)

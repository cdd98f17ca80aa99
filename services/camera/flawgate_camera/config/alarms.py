"""`alarms` of a camera: when one is on, what it does then, and how it ends."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flawgate_camera.config.base import Name, Table
from flawgate_camera.config.broker import Broker, Topic
from flawgate_camera.config.urls import SecretUrl

MOST_ALARMS = 16
"""Of one camera."""

Bad = Literal["NOT_OK", "NOT_DECIDABLE"]
ActionTime = Annotated[float, Field(gt=0, le=60)]
Pin = Annotated[int, Field(ge=0, le=27)]
"""BCM number of a pin of a Raspberry Pi's header."""


def _http_url(url: SecretUrl) -> SecretUrl:
    if url.scheme not in ("http", "https"):
        raise ValueError("write a URL that begins with http:// or https://")
    return url


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class LogAction(Table):
    """A line in the log of the agent."""

    kind: Literal["log"]


class ShellAction(Table):
    """A command, started without a shell; facts stand in its environment, `FLAWGATE_STATE` first of all."""

    kind: Literal["shell"]
    command: tuple[str, ...] = Field(min_length=1, max_length=64, description='A list: ["/usr/bin/play", "horn.wav"].')
    when: Literal["on", "change"] = Field(
        default="change", description="`on`: a horn; `change`: a script that looks at FLAWGATE_STATE, on or off."
    )
    timeout_s: ActionTime = Field(default=5, description="Then it is ended, with all that it started, in seconds.")

    @model_validator(mode="after")
    def _names_a_program(self) -> Self:
        if not self.command[0] or any("\0" in word for word in self.command):
            raise ValueError('command must be a list whose first word is a program, e.g. ["/usr/bin/play", "horn.wav"]')
        return self


class HttpAction(Table):
    """A POST with JSON."""

    kind: Literal["http"]
    url: Annotated[SecretUrl, AfterValidator(_http_url)]
    timeout_s: ActionTime = Field(default=3, description="Of one try, in seconds.")
    tries: int = Field(default=3, ge=1, le=10, description="So often each change is told at most.")


class MqttAction(Broker):
    """A retained message, and a will: whoever subscribes knows the state at once, also that of an agent that died."""

    kind: Literal["mqtt"]
    topic: Topic
    timeout_s: ActionTime = Field(default=5, description="For the broker's answer, in seconds.")


class GpioAction(Table):
    """A pin of a Raspberry Pi: a lamp, a horn, a relay in the line's interlock."""

    kind: Literal["gpio"]
    pin: Pin = Field(description="BCM number, 9 to 27 for a pin that is pulled down while the machine starts.")
    energised: Literal["good", "alarm"] = Field(
        default="good", description="`good`: fail-safe, current flows while all is well; `alarm`: for a mere lamp."
    )
    active: Literal["high", "low"] = Field(default="high", description="Level at which current flows in the relay.")
    pulse_s: float | None = Field(
        default=None,
        ge=0.02,
        le=10,
        description="While all is well the level changes so often, in seconds, for a watchdog relay.",
    )

    @model_validator(mode="after")
    def _pulses_mean_good(self) -> Self:
        if self.pulse_s is not None and self.energised != "good":
            raise ValueError('pulse_s needs energised = "good": pulses say that all is well')
        return self


Action = Annotated[LogAction | ShellAction | HttpAction | MqttAction | GpioAction, Field(discriminator="kind")]


class GoodReset(Table):
    """By itself, after so many good parts in a row."""

    kind: Literal["good"] = "good"
    parts: int = Field(default=1, ge=1, le=10_000, description="OK so often, with nothing else in between.")


class ButtonReset(Table):
    """By hand, at a button between a pin and ground; until then it stays on, whatever comes."""

    kind: Literal["button"]
    pin: Pin


class MqttReset(Broker):
    """By hand, with any message to a topic, not a retained one; until then it stays on, whatever comes."""

    kind: Literal["mqtt"]
    topic: Topic


Reset = Annotated[GoodReset | ButtonReset | MqttReset, Field(discriminator="kind")]


class Alarm(Table):
    """One of `[[cameras.alarms]]`."""

    name: Name = Field(default="alarm", description="In logs, metrics and messages; another one for each.")
    on: Annotated[tuple[Bad, ...], BeforeValidator(_as_list)] = Field(
        default=("NOT_OK",), min_length=1, description="NOT_OK, NOT_DECIDABLE or a list of both."
    )
    n: int = Field(default=1, ge=1, le=1000, description="It comes on with so many of these ...")
    of: int = Field(default=1, ge=1, le=1000, description="... among so many of the last results.")
    silence_s: float = Field(
        default=10, ge=0, le=86_400, description="No OK and no NOT_OK for so long, in seconds: it comes on; 0 never."
    )
    max_age_s: float = Field(
        default=10, gt=0, le=86_400, description="Results older than this, from the picture on, are not acted upon."
    )
    lost_after_s: float = Field(
        default=2, ge=0, le=3600, description="Camera or gateway away for so long, in seconds: it comes on."
    )
    hold_s: float = Field(default=0, ge=0, le=86_400, description="Once on, it stays so for so long at least.")
    reset: Reset = Field(default_factory=GoodReset)
    action: Action

    @model_validator(mode="after")
    def _n_of_m(self) -> Self:
        if self.n > self.of:
            raise ValueError(f"n = {self.n} can never be reached among of = {self.of} results: n must not be above of")
        return self

    def uses(self) -> str | None:
        """What it alone may write to."""
        match self.action:
            case GpioAction(pin=pin):
                return f"the GPIO pin {pin}"
            case MqttAction(topic=topic, host=host, effective_port=port):
                return f"the topic {topic} of {host}:{port}"
            case _:
                return None


def claims(alarms: tuple[Alarm, ...]) -> Iterator[str]:
    """What no other camera may use; alarms of one camera may share a button."""
    yield from filter(None, (alarm.uses() for alarm in alarms))
    for pin in {alarm.reset.pin for alarm in alarms if isinstance(alarm.reset, ButtonReset)}:
        yield f"the GPIO pin {pin}"


def _nothing_twice(alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    if len({alarm.name for alarm in alarms}) < len(alarms):
        raise ValueError("two alarms of the camera have the same name: give each a name of its own")
    taken: set[str] = set()
    for claim in claims(alarms):
        if claim in taken:
            raise ValueError(f"alarms of the camera use {claim} twice: give each its own")
        taken.add(claim)
    return alarms


Alarms = Annotated[tuple[Alarm, ...], Field(max_length=MOST_ALARMS), AfterValidator(_nothing_twice)]
"""All alarms of a camera."""

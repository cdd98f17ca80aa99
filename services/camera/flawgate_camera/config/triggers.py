"""`trigger` of a camera: which of its pictures are inspected."""

from typing import Annotated, Literal

from pydantic import Field

from flawgate_camera.config.base import Table
from flawgate_camera.config.network_triggers import MqttTrigger, TcpTrigger


class EveryTrigger(Table):
    """Every picture."""

    kind: Literal["every"] = "every"


class NthTrigger(Table):
    """The first picture, and every n-th after it."""

    kind: Literal["nth"]
    n: int = Field(ge=1, le=1_000_000)


class RateTrigger(Table):
    """At most so many pictures a second, evenly spread."""

    kind: Literal["rate"]
    frames_per_s: float = Field(gt=0, le=1000)


class MotionTrigger(Table):
    """When something moves before the camera, or has come to rest."""

    kind: Literal["motion"]
    when: Literal["moving", "settled"] = Field(
        default="moving", description="`moving`: while it moves; `settled`: once, when it has come to rest."
    )
    difference: int = Field(default=25, ge=1, le=255, description="From so many grey levels on a pixel has changed.")
    share: float = Field(default=0.01, gt=0, le=1, description="From this share of changed pixels on something moves.")
    pause_s: float = Field(default=0.5, ge=0, le=3600, description="Between two triggers at least, in seconds.")


Trigger = Annotated[
    EveryTrigger | NthTrigger | RateTrigger | MotionTrigger | TcpTrigger | MqttTrigger, Field(discriminator="kind")
]

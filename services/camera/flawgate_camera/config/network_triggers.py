"""`trigger` of a camera that comes over the network, with the part that lies before it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from flawgate_camera.config.base import Table
from flawgate_camera.config.broker import Broker, Topic
from flawgate_contracts.settings import Port


class Waiting(Table):
    """How long a trigger waits for its picture."""

    delay_s: float = Field(
        default=0, ge=0, le=60, description="From the trigger until the part lies before the camera, in seconds."
    )
    within_s: float = Field(
        default=1, gt=0, le=60, description="No picture for so long after that: the trigger is missed, in seconds."
    )
    waiting: int = Field(default=8, ge=1, le=1000, description="Triggers that wait at once; further ones are refused.")
    max_per_s: float = Field(default=100, gt=0, le=10_000, description="Further triggers in a second are refused.")


class TcpTrigger(Waiting):
    """A line of text for each part, over TCP."""

    kind: Literal["tcp"]
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on; loopback if absent.")
    port: Port = Field(description="Port to listen on; 0 takes a free one.")
    connections: int = Field(default=8, ge=1, le=1000, description="At once; further ones are closed.")

    def claims(self) -> Iterator[str]:
        """What no other camera may use."""
        if self.port:
            yield f"the port {self.port}"


class MqttTrigger(Waiting, Broker):
    """A message for each part, at a broker."""

    kind: Literal["mqtt"]
    topic: Topic
    answers: Topic | None = Field(default=None, description="Topic for what became of each; nothing if absent.")


NetworkTrigger = Annotated[TcpTrigger | MqttTrigger, Field(discriminator="kind")]

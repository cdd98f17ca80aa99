"""The whole file: the agent, the gateway, and each camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from flawgate_camera.config.alarms import Alarms, claims
from flawgate_camera.config.base import Name, PlantName, Table
from flawgate_camera.config.delivery import Delivery, LosslessDelivery
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.config.sources import Source
from flawgate_camera.config.triggers import EveryTrigger, Trigger
from flawgate_contracts.logs import LogLevel
from flawgate_contracts.settings import Port


class Agent(Table):
    """`[agent]`: the process."""

    data_dir: Path = Field(default=Path("out/camera"), description="Spools, and what folders have given.")
    metrics_host: str = Field(default="127.0.0.1", description="Address of the metrics; loopback if absent.")
    metrics_port: Port = Field(default=9084, description="Port of the metrics; 0 takes a free one.")
    log_level: LogLevel = Field(default="info", description="Log lines below this level are dropped.")
    grace_s: float = Field(
        default=10.0, ge=0, le=600, description="To send what is held in memory when the agent stops, in seconds."
    )


class Standalone(Table):
    """`[standalone]`: the agent judges frames itself."""

    repository: Path = Field(description="The model repository, as `flawgate export` writes it.")
    when: Literal["always", "offline"] = Field(
        default="offline", description="`offline`: only while the gateway is out of reach."
    )
    offline_after_s: float = Field(
        default=5.0, ge=0, le=3600, description="Out of reach for so long, in seconds, counts as offline."
    )
    threads: int = Field(default=0, ge=0, le=256, description="Threads of ONNX Runtime; 0 for one a core.")


class Region(Table):
    """What is cut out of each picture, in pixels from its upper left corner."""

    x: int = Field(default=0, ge=0)
    y: int = Field(default=0, ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class Encoding(Table):
    """How frames are packed."""

    format: Literal["png", "jpeg", "raw"] = Field(default="png", description="png and raw keep every grey level.")
    quality: int = Field(default=95, ge=1, le=100, description="Of jpeg; 95 is hard to tell from the original.")


class Health(Table):
    """When a camera that delivers pictures counts as failed all the same."""

    black_below: float = Field(
        default=8, ge=0, le=255, description="Mean grey level below which a picture is black; 0 never."
    )
    frozen_after_s: float = Field(
        default=10, ge=0, le=86_400, description="So long the very same pixels from a live camera, in seconds; 0 never."
    )
    retry_max_s: float = Field(default=30, ge=1, le=3600, description="Longest wait between two tries, in seconds.")


class Camera(Table):
    """One of `[[cameras]]`."""

    name: Name = Field(description="1 to 64 letters, digits, dots, hyphens, underscores.")
    station: PlantName
    recipe: str = Field(min_length=1, max_length=128)
    plant: PlantName | None = None
    line: PlantName | None = None
    source: Source
    trigger: Trigger = Field(default_factory=EveryTrigger)
    region: Region | None = None
    encoding: Encoding | None = Field(
        default=None, description="Absent: PNG, but files of a folder are passed on as they are."
    )
    delivery: Delivery = Field(default_factory=LosslessDelivery)
    health: Health = Field(default_factory=Health)
    alarms: Alarms = ()

    def claims(self) -> Iterator[str]:
        """What no other camera may use."""
        if self.source.kind == "folder":
            yield f"the folder {self.source.path}"
        if self.source.kind == "usb":
            yield f"the device {self.source.device}"
        if self.trigger.kind == "tcp":
            yield from self.trigger.claims()
        yield from claims(self.alarms)


class Configuration(Table):
    """The file."""

    agent: Agent = Field(default_factory=Agent)
    gateway: Gateway = Field(default_factory=Gateway)
    standalone: Standalone | None = None
    cameras: tuple[Camera, ...]

    @model_validator(mode="after")
    def _some_and_nothing_twice(self) -> Self:
        if not self.cameras:
            raise ValueError("no camera is described: write a table [[cameras]]")
        taken: set[str] = set()
        for camera in self.cameras:
            for claim in (f"the name {camera.name}", *camera.claims()):
                if claim in taken:
                    raise ValueError(f"two cameras use {claim}: give each its own")
                taken.add(claim)
        return self

    @model_validator(mode="after")
    def _standalone_waits_for_nobody(self) -> Self:
        waiting = [camera.name for camera in self.cameras if camera.delivery.policy == "every"]
        if self.standalone is not None and waiting:
            raise ValueError(
                f"[standalone] judges without a gateway, but camera {waiting[0]} waits for it by delivery.policy = "
                "every: write lossless or latest there"
            )
        return self

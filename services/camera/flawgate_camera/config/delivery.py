"""`delivery` of a camera: what becomes of frames that cannot be sent in time."""

from typing import Annotated, Literal

from pydantic import Field

from flawgate_camera.config.base import Table


class LosslessDelivery(Table):
    """Kept on disk and sent later, in order: each frame gets its record."""

    policy: Literal["lossless"] = "lossless"
    max_bytes: int = Field(default=10_000_000_000, ge=1_000_000, description="Most that lies on the disk, in bytes.")
    max_age_s: float = Field(default=604_800, gt=0, description="Longest that a frame lies there, in seconds.")


class LatestDelivery(Table):
    """The oldest is dropped, so that no answer is older than the budget."""

    policy: Literal["latest"]
    staleness_ms: int = Field(default=2000, ge=1, le=600_000, description="Budget from capture to answer.")


class EveryDelivery(Table):
    """The source waits."""

    policy: Literal["every"]
    frames: int = Field(default=8, ge=1, le=1000, description="Frames held in memory before the source waits.")


Delivery = Annotated[LosslessDelivery | LatestDelivery | EveryDelivery, Field(discriminator="policy")]

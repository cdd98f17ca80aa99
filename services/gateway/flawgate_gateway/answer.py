"""The answer: one shape for REST, records, events and the command line (docs/architecture.md)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from flawgate_gateway.frames import Identity


def rfc_3339(moment: datetime) -> str:
    """A moment with a time zone, in UTC, with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


UtcTime = Annotated[datetime, PlainSerializer(rfc_3339, return_type=str)]
"""RFC 3339, UTC, with milliseconds and `Z`."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)


class Box(_Part):
    """A rectangle in pixels of the original frame."""

    x: int = Field(description="Left edge, from 0.")
    y: int = Field(description="Upper edge, from 0.")
    width: int
    height: int


class Defect(_Part):
    """One connected region of the mask."""

    box: Box
    area_px: int = Field(description="Pixels of the original frame.")
    area_mm2: float | None = Field(description="On the part; null where the recipe has no pixel pitch.")
    peak: float = Field(description="Largest probability within the region, 0 to 1.")
    class_name: str = Field(alias="class", description="As the recipe names it.")


class ClassProbability(_Part):
    """How probable one class of frames is."""

    class_name: str = Field(alias="class", description="As the recipe names it.")
    probability: float = Field(description="0 to 1.")


class FrameFacts(_Part):
    """The frame that was inspected."""

    width: int | None = Field(description="Columns, in pixels, upright; null where it was not decoded.")
    height: int | None = Field(description="Rows, in pixels, upright; null where it was not decoded.")
    sha256: str = Field(description="Of the bytes as they came.")


class ModelFacts(_Part):
    """A model that took part."""

    name: str
    version: str
    sha256: str = Field(description="Of its ONNX file.")


class Capture(_Part):
    """Where in a camera's stream a frame stands."""

    stream_id: str = Field(description="UUID of the stream.")
    sequence: int = Field(description="Number of the frame in it, from 1.")
    trigger_id: str | None = Field(default=None, description="What made the camera take it, as the trigger names it.")


class Links(_Part):
    """Where more is to be had."""

    self: str
    frame: str | None = Field(description="The picture as it came; null where it is not kept.")
    mask: str | None = Field(description="Null for a classification, which marks no pixels, or where it is not kept.")
    overlay: str | None = Field(
        description="The frame with all that was found; null where it is not kept, or was not looked at."
    )

    @classmethod
    def of(cls, inspection_id: str, *, pictures: bool, mask: bool, overlay: bool) -> Self:
        """Those of an inspection.

        Args:
            inspection_id: its id.
            pictures: whether any of its pictures are kept.
            mask: whether it has one.
            overlay: whether there is anything to draw on it; not on a frame that was not looked at.
        """
        here = f"/v1/inspections/{inspection_id}"
        return cls(
            self=here,
            frame=f"{here}/frame" if pictures else None,
            mask=f"{here}/mask.png" if pictures and mask else None,
            overlay=f"{here}/overlay.png" if pictures and overlay else None,
        )


_SCORE = (
    "How bad the frame is, 0 to 1. Cascade, segmentation: probability of a defect somewhere in it. Classification: "
    "probability that it is not good, or, where no class is that of good parts, of the class answered. Anomaly: how "
    "far it is from what the network draws of it."
)
_REASON = (
    "Why this evaluation: `SCORE_ABOVE_THRESHOLD` (from it upwards), `SCORE_BELOW_THRESHOLD`, `SCORE_IN_GUARD_BAND`; "
    "where the recipe limits the areas of classes, `AREA_ABOVE_LIMIT`, `AREA_BELOW_LIMIT`, `AREAS_WITHIN_LIMITS`; "
    "`DEADLINE_UNREACHABLE` where the frame was not looked at, since it could not have been judged in time; where the "
    "recipe limits the quality of pictures and this one is outside of its limits, so that no network looked at it, "
    "`PICTURE_BLACK`, `PICTURE_FROZEN` (the very bytes of the frame before in its camera's stream), "
    "`PICTURE_TOO_DARK`, `PICTURE_TOO_BRIGHT`, `PICTURE_OUT_OF_FOCUS`; `GOLDEN_CHECK_FAILED` while the recipe's models "
    "judge frames whose answers are known otherwise than they must."
)
_CLASS = (
    "The class of the frame as a whole, as the recipe names it. Classification: the likeliest; one that knows "
    '"defective" alone says so from a probability of 0.5 upwards. Segmentation of several classes: that of most pixels '
    "which are no background, or the background. Null where none can be said. It says what the frame looks like, not "
    "whether the part is good: that is `evaluation`, by the policy."
)


Variant = Literal["stable", "canary"]
"""Which decision service judged a frame: the one in force, or one that is tried beside it on a share of the frames."""
VARIANTS: tuple[Variant, ...] = get_args(Variant)


class Inspection(Identity):
    """What was decided about one frame, with its identity in the plant and its provenance."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)

    inspection_id: str = Field(description="UUIDv7.")
    recipe: str
    recipe_version: str
    policy_version: str
    variant: Variant = Field(
        default="stable",
        description="Which decision service judged: `stable`, the one in force, or `canary`, a version that is tried "
        "on a share of the frames.",
    )
    evaluation: Literal["OK", "NOT_OK", "NOT_DECIDABLE"]
    score: float | None = Field(description=f"{_SCORE} Null where the frame was not looked at.")
    threshold: float = Field(
        description="NOT_OK from this score upwards; where the recipe limits the areas of classes, those decide."
    )
    reason: str = Field(description=_REASON)
    class_name: str | None = Field(default=None, alias="class", description=_CLASS)
    probabilities: tuple[ClassProbability, ...] = Field(
        description="Of a classification: all classes in the recipe's order; of a frame cut into tiles, those of its "
        "worst tile. Empty for other kinds of recipes."
    )
    defects: tuple[Defect, ...] = Field(
        description="What the mask marks, the surest first; at most 100. Empty for a classification."
    )
    frame: FrameFacts
    models: tuple[ModelFacts, ...]
    request_id: str
    trace_id: str
    acquired_at: UtcTime | None = Field(default=None, description="When the picture was taken, as the caller says.")
    capture: Capture | None = Field(default=None, description="Of a frame of a camera's stream.")
    received_at: UtcTime = Field(description="When the gateway took the request.")
    decided_at: UtcTime = Field(description="When the evaluation stood.")
    service_version: str = Field(
        description="Version of the gateway; or name and version of the camera's side, where that decided by itself."
    )
    policy: dict[str, Any] = Field(
        description="The policy that decided, whole, as recipes and `/v1/policies` write it."
    )
    preprocessing: tuple[dict[str, Any], ...] = Field(
        description="The steps that made the network's input of the frame, with their parameters, in order; empty "
        "where the frame was not looked at."
    )
    stage_scores: dict[str, float] = Field(
        description="What each network said, 0 to 1. `segmentation`: the highest value of the mask; `classification`: "
        "the score. Empty where the frame was not looked at."
    )
    stage_seconds: dict[str, float] = Field(
        description="`preprocess` (of it `decode`, `steps`) and `decide` (of it `infer`, `policy`), in seconds."
    )
    picture_quality: dict[str, float] = Field(
        default_factory=dict,
        description="Measured of the picture as it came, where the recipe limits it: `mean` (0 black, 1 white), "
        "`dark_share` and `bright_share` (of the pixels up to 5, and from 250 upwards, of 255; 0 to 1), `focus` "
        "(variance of the Laplacian). Empty where nothing is limited.",
    )
    links: Links


DropCause = Literal[
    "SUPERSEDED",
    "STALE",
    "SPOOL_FULL",
    "SPOOL_EXPIRED",
    "SPOOL_DAMAGED",
    "ENCODING_FAILED",
    "REFUSED",
    "FAILED",
    "STOPPED",
]
"""Why frames of a camera were not inspected."""
DROP_CAUSES: tuple[DropCause, ...] = get_args(DropCause)

_CAUSE = (
    "`SUPERSEDED`: a newer frame took its place; `STALE`: too old before it could be answered; `SPOOL_FULL`, "
    "`SPOOL_EXPIRED`, `SPOOL_DAMAGED`: it was lost where the camera's side keeps frames; `ENCODING_FAILED`; `REFUSED`: "
    "it can never be inspected as it is; `FAILED`: the gateway, or what stands behind it, failed; `STOPPED`: the "
    "camera's side was stopped."
)


class Gap(_Part):
    """Frames of a camera's stream that nobody inspected, and nobody will: frames = inspections + dropped."""

    gap_id: str = Field(description="UUIDv7.")
    stream_id: str = Field(description="UUID of the stream.")
    plant: str | None
    line: str | None
    station: str
    camera: str
    first: int = Field(description="Number of the first of them.")
    last: int = Field(description="Number of the last of them.")
    frames: int = Field(description="How many they are.")
    cause: DropCause = Field(description=_CAUSE)
    since: UtcTime = Field(description="When the first of them was taken.")
    until: UtcTime = Field(description="When the last of them was taken.")
    detail: str | None = Field(description="What the gateway said of the frame; null where it never saw it.")
    received_at: UtcTime = Field(description="When the gap went on record.")

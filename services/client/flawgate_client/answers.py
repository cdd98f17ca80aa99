"""What the gateway answers, as frozen records. Fields that this version does not know stand in `document`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

Document = Mapping[str, Any]
"""A JSON object as it came."""
Evaluation = Literal["OK", "NOT_OK", "NOT_DECIDABLE"]
Variant = Literal["stable", "canary"]
"""Which decision service judged: the one in force, or one that is tried on a share of the frames."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the original frame."""

    x: int
    """Left edge, from 0."""
    y: int
    """Upper edge, from 0."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Defect:
    """One connected region of the mask."""

    box: Box
    area_px: int
    """Pixels of the original frame."""
    area_mm2: float | None
    """On the part; None where the recipe has no pixel pitch."""
    peak: float
    """Largest probability within the region, 0 to 1."""
    class_name: str

    @classmethod
    def of(cls, document: Document) -> Self:
        """From JSON."""
        box = document["box"]
        return cls(
            box=Box(box["x"], box["y"], box["width"], box["height"]),
            area_px=document["area_px"],
            area_mm2=document["area_mm2"],
            peak=document["peak"],
            class_name=document["class"],
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A model that took part."""

    name: str
    version: str
    sha256: str
    """Of its ONNX file."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Where in a camera's stream a frame stands."""

    stream_id: str
    """UUID of the stream."""
    sequence: int
    """Number of the frame in it, from 1."""
    trigger_id: str | None
    """What made the camera take it."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """From JSON."""
        return cls(document["stream_id"], document["sequence"], document.get("trigger_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was decided about one frame; its fields are described in the gateway's OpenAPI document."""

    inspection_id: str
    recipe: str
    recipe_version: str | None
    policy_version: str | None
    variant: Variant
    evaluation: Evaluation
    reason: str
    score: float | None
    """0 to 1; None where nothing was computed."""
    threshold: float | None
    class_name: str | None
    probabilities: Mapping[str, float]
    """Of a classification: class → 0 to 1."""
    defects: tuple[Defect, ...]
    models: tuple[Model, ...]
    frame_sha256: str
    plant: str | None
    line: str | None
    station: str | None
    camera: str | None
    part: str | None
    lot: str | None
    work_order: str | None
    acquired_at: datetime | None
    capture: Capture | None
    """Of a frame of a camera's stream; else None."""
    picture_quality: Mapping[str, float]
    """What was measured of the picture itself, where the recipe limits it."""
    received_at: datetime
    decided_at: datetime
    service_version: str | None
    request_id: str
    trace_id: str
    replayed: bool = False
    """Whether this is the stored answer of an earlier try with the same key."""
    document: Document = field(repr=False, compare=False)
    """All that the gateway said."""

    @classmethod
    def of(cls, document: Document, *, replayed: bool = False) -> Self:
        """From JSON.

        Raises:
            KeyError, TypeError, ValueError: it is no inspection.
        """
        return cls(
            inspection_id=document["inspection_id"],
            recipe=document["recipe"],
            recipe_version=document["recipe_version"],
            policy_version=document["policy_version"],
            variant=document.get("variant", "stable"),
            evaluation=document["evaluation"],
            reason=document["reason"],
            score=document["score"],
            threshold=document["threshold"],
            class_name=document.get("class"),
            probabilities={told["class"]: told["probability"] for told in document["probabilities"]},
            defects=tuple(Defect.of(defect) for defect in document["defects"]),
            models=tuple(Model(m["name"], m["version"], m["sha256"]) for m in document["models"]),
            frame_sha256=document["frame"]["sha256"],
            plant=document.get("plant"),
            line=document.get("line"),
            station=document.get("station"),
            camera=document.get("camera"),
            part=document.get("part"),
            lot=document.get("lot"),
            work_order=document.get("work_order"),
            acquired_at=_moment_or_none(document.get("acquired_at")),
            capture=Capture.of(document["capture"]) if document.get("capture") else None,
            picture_quality=document.get("picture_quality", {}),
            received_at=datetime.fromisoformat(document["received_at"]),
            decided_at=datetime.fromisoformat(document["decided_at"]),
            service_version=document.get("service_version"),
            request_id=document["request_id"],
            trace_id=document["trace_id"],
            replayed=replayed,
            document=document,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the inspections that were asked for."""

    inspections: tuple[Inspection, ...]
    next_page_token: str | None
    """Where the next page begins; None where this is the last."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """From JSON."""
        inspections = tuple(Inspection.of(inspection) for inspection in document["inspections"])
        return cls(inspections, document["next_page_token"])


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said of an inspection."""

    review_id: str
    inspection_id: str
    evaluation: Evaluation
    reviewer: str
    comment: str | None
    reviewed_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        """From JSON."""
        return cls(
            review_id=document["review_id"],
            inspection_id=document["inspection_id"],
            evaluation=document["evaluation"],
            reviewer=document["reviewer"],
            comment=document["comment"],
            reviewed_at=datetime.fromisoformat(document["reviewed_at"]),
        )


def _moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

"""What a camera's side has decided by itself, while it had no gateway: checked before it goes on record as it is."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.kinds import Kind
from flawgate_contracts.recipe import Name, Sha256
from flawgate_gateway.answer import Inspection, Links
from flawgate_gateway.faults import invalid_parameter
from flawgate_gateway.frames import CameraStream, Frame
from flawgate_gateway.ports import DrawingFacts, Evidence
from flawgate_gateway.stream.messages import FrameContent
from flawgate_imaging.geometry import Geometry

_Version = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class DecidedFacts(BaseModel):
    """What the columns of a record are held to, where the gateway has not made it itself."""

    model_config = ConfigDict(extra="ignore")

    inspection_id: _Id
    recipe: Name
    recipe_version: _Version
    policy_version: _Version
    evaluation: Literal["OK", "NOT_OK", "NOT_DECIDABLE"]
    reason: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
    score: _Unit | None
    threshold: _Unit
    sha256: Sha256
    width: Annotated[int, Field(ge=1, le=65_535)] | None
    height: Annotated[int, Field(ge=1, le=65_535)] | None


def own_inspection(content: FrameContent, decided: Inspection, stream: CameraStream, sequence: int) -> Inspection:
    """The inspection as it goes on record: whose frame it is, and which, are the gateway's words.

    Args:
        content: of the frame's message; its SHA-256 is known.
        decided: by the camera's side.
        stream: whose frame it is.
        sequence: its number.

    Raises:
        InvalidParameter: it tells of another frame or recipe, or what is no record's.
    """
    _check(decided)
    if decided.frame.sha256 != content.frame.sha256:
        raise InvalidParameter(
            "What was decided is of another frame: `decided.frame.sha256` is not that of the bytes sent.",
            {"field": "decided.frame.sha256"},
        )
    if decided.recipe != stream.recipe:
        raise InvalidParameter(
            f"What was decided is by recipe {decided.recipe}, but the stream is of recipe {stream.recipe}; open one "
            "stream a recipe.",
            {"field": "decided.recipe"},
        )
    told: dict[str, Any] = {
        **content.order.identity().model_dump(),
        "acquired_at": content.order.acquired_at,
        "capture": content.capture(stream, sequence),
        "links": Links.of(decided.inspection_id, pictures=False, mask=False, overlay=False),
    }
    return decided.model_copy(update=told)


def _check(decided: Inspection) -> None:
    told = {name: getattr(decided, name, None) for name in DecidedFacts.model_fields}
    try:
        DecidedFacts.model_validate({**told, **decided.frame.model_dump()})
        Inspection.model_validate_json(decided.model_dump_json())  # as it will be read: NaN would not come back
    except ValidationError as err:
        raise invalid_parameter(err.errors(), at="decided.", where="inspection.proto") from err
    if decided.score is None and decided.evaluation != "NOT_DECIDABLE":
        raise InvalidParameter(
            f"A frame without a score was not looked at, and cannot be {decided.evaluation}; set `decided.score`.",
            {"field": "decided.score"},
        )


def own_evidence(frame: Frame, inspection: Inspection) -> Evidence:
    """What its pictures are drawn from: the frame, and what the record says; the camera's side sends no mask."""
    width, height = inspection.frame.width, inspection.frame.height
    classes = [told.class_name for told in inspection.probabilities] or [d.class_name for d in inspection.defects]
    kind: Kind = "classification" if inspection.probabilities else "segmentation"
    facts = DrawingFacts(
        inspection.recipe, kind, tuple(dict.fromkeys(classes)), 0.5, bool(inspection.policy.get("areas"))
    )
    if inspection.score is None or width is None or height is None:
        return Evidence(frame, facts, None, None)
    return Evidence(frame, facts, None, Geometry.identity(width, height))

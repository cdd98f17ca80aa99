"""An inspection as a row of its table, and back."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from flawgate_gateway.answer import Inspection, Links
from flawgate_gateway.database.moments import to_us
from flawgate_gateway.database.tables import evidence, inspections

PLACE = ("plant", "line", "station", "camera", "part", "lot", "work_order")
COPIED = (*PLACE, "recipe", "recipe_version", "policy_version", "variant", "evaluation", "reason", "score")


def row_of(inspection: Inspection) -> dict[str, Any]:
    """The columns of a new row."""
    score, acquired = inspection.score, inspection.acquired_at
    return {
        **{name: getattr(inspection, name) for name in COPIED},
        "id": inspection.inspection_id,
        "acquired_at_us": None if acquired is None else to_us(acquired),
        "received_at_us": to_us(inspection.received_at),
        "decided_at_us": to_us(inspection.decided_at),
        "stream_id": None if inspection.capture is None else inspection.capture.stream_id,
        "sequence": None if inspection.capture is None else inspection.capture.sequence,
        "margin": None if score is None else score - inspection.threshold,
        "frame_sha256": inspection.frame.sha256,
        "document": inspection.model_dump_json(exclude={"links"}),
    }


def selected() -> Select[Any]:
    """Inspections with what is kept of their pictures: what `inspection_of` needs of a row, and the cursor."""
    kept = evidence.c.purged_at_us.is_(None) & evidence.c.inspection_id.is_not(None)
    return select(
        inspections.c.id,
        inspections.c.decided_at_us,
        inspections.c.document,
        kept.label("pictures"),
        evidence.c.mask_sha256.is_not(None).label("mask"),
        inspections.c.score.is_not(None).label("overlay"),
    ).select_from(inspections.outerjoin(evidence, evidence.c.inspection_id == inspections.c.id))


def inspection_of(row: Mapping[str, Any]) -> Inspection:
    """The inspection of a row of `selected`."""
    kept = {name: bool(row[name]) for name in ("pictures", "mask", "overlay")}
    links = Links.of(row["id"], **kept)
    document: str = row["document"]
    return Inspection.model_validate_json(f'{document[:-1]},"links":{links.model_dump_json()}}}')

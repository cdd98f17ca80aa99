"""What an export says of each inspection: one line of a CSV file (RFC 4180), also of those without a picture in it."""

from typing import Literal

from flawgate_gateway.answer import Inspection
from flawgate_gateway.csv_cells import guarded, line, utc
from flawgate_gateway.records.rows import PLACE
from flawgate_gateway.reviews.documents import Review

NAME = "manifest.csv"

Status = Literal["EXPORTED", "PICTURE_NOT_KEPT", "NO_PICTURE", "NOT_DECIDABLE", "SAME_PICTURE"]
"""Why there is a file, or none: the picture is not kept (any more); what came was none; the reviewer could not say
what it is; the very same picture was exported with a later inspection, by whose review it goes."""

COLUMNS = (
    "inspection_id",
    "status",
    "file",
    "review",
    "reviewer",
    "reviewed_at",
    "comment",
    "evaluation",
    "score",
    "threshold",
    "class",
    "recipe",
    "recipe_version",
    "policy_version",
    *PLACE,
    "decided_at",
    "frame_sha256",
)


def line_of(inspection: Inspection, review: Review, status: Status, file: str | None) -> bytes:
    """The line of one inspection.

    Args:
        inspection: what was decided.
        review: the latest.
        status: of its picture.
        file: path of the picture in the export; None where there is none.
    """
    return line(
        inspection.inspection_id,
        status,
        file,
        review.evaluation,
        guarded(review.reviewer),
        utc(review.reviewed_at),
        guarded(review.comment),
        inspection.evaluation,
        inspection.score,
        inspection.threshold,
        guarded(inspection.class_name),
        inspection.recipe,
        *(guarded(text) for text in (inspection.recipe_version, inspection.policy_version)),
        *(guarded(getattr(inspection, name)) for name in PLACE),
        utc(inspection.decided_at),
        inspection.frame.sha256,
    )

"""What is written beside the blobs of an inspection: enough to draw its pictures years later, without its recipe."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flawgate_contracts.errors import ArchiveUnavailable
from flawgate_gateway.frames import RawLayout
from flawgate_gateway.ports import DrawingFacts, Evidence
from flawgate_imaging.geometry import Geometry

Side = Annotated[int, Field(ge=1)]


class EvidenceDocument(BaseModel):
    """Schema 1. What is renamed or leaves here is a schema of its own: documents are never rewritten."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    facts: DrawingFacts
    geometry: Geometry | None = Field(description="Null of a frame that was not looked at.")
    layout: RawLayout | None = Field(description="Of a frame that is raw pixels.")
    mask_shape: tuple[Side, Side, Side] | None = Field(description="(classes, height, width).")
    explanation_shape: tuple[Side, Side] | None = Field(description="(height, width).")


def document_of(evidence: Evidence) -> str:
    """As JSON."""
    mask, explanation = evidence.mask, evidence.explanation
    document = EvidenceDocument(
        facts=evidence.facts,
        geometry=evidence.geometry,
        layout=evidence.frame.layout,
        mask_shape=None if mask is None else mask.shape,
        explanation_shape=None if explanation is None else explanation.shape,
    )
    return document.model_dump_json()


def read_document(text: str) -> EvidenceDocument:
    """From JSON.

    Raises:
        ArchiveUnavailable: it is damaged, or a later version of the gateway wrote it.
    """
    try:
        return EvidenceDocument.model_validate_json(text)
    except ValidationError as err:
        raise ArchiveUnavailable(
            "What stands on record about these pictures cannot be read by this version of the gateway; "
            "use the version that wrote it, or a later one."
        ) from err

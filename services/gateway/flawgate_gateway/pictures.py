"""The pictures of an inspection, drawn when they are asked for."""

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import NotFound
from flawgate_gateway import answer
from flawgate_gateway.answer import Inspection
from flawgate_gateway.frames import Frame
from flawgate_gateway.ports import Evidence
from flawgate_imaging import decoding, overlay
from flawgate_imaging.decoding import Limits
from flawgate_imaging.defects import Box, Defect
from flawgate_imaging.overlay import Drawing

_STARTS: dict[bytes, str] = {
    b"\x89PNG": "image/png",
    b"\xff\xd8": "image/jpeg",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}


def mask_png(evidence: Evidence) -> bytes:
    """The mask in the frame's size: 8-bit grey PNG, × 255: how probable a defect is, or the residual of an anomaly.

    Raises:
        NotFound: the recipe makes none.
    """
    if evidence.mask is None or evidence.geometry is None:
        raise NotFound(
            f"Recipe {evidence.facts.recipe} tells classes of frames apart and marks no pixels: it makes no mask; "
            "its `overlay.png` says what was answered.",
            {"recipe": evidence.facts.recipe},
        )
    return overlay.mask_png(evidence.mask, evidence.geometry)


def overlay_png(inspection: Inspection, evidence: Evidence, limits: Limits) -> bytes:
    """The frame with mask, boxes, classes and evaluation drawn on it: PNG, RGB.

    Raises:
        NotFound: the frame was not looked at.
    """
    if inspection.score is None or evidence.geometry is None:
        raise NotFound("The frame was not looked at, so there is nothing to draw on it; `frame` gives it as it came.")
    drawing = Drawing(
        evaluation=inspection.evaluation,
        score=inspection.score,
        threshold=None if evidence.facts.areas_decide else inspection.threshold,
        defects=[_defect(defect) for defect in inspection.defects],
        mask=evidence.mask,
        classes=evidence.facts.classes,
        mask_threshold=evidence.facts.mask_threshold,
        is_residual=evidence.facts.kind == "anomaly",
        probabilities=[(told.class_name, told.probability) for told in inspection.probabilities],
        explanation=evidence.explanation,
        reason=inspection.reason,
    )
    return overlay.overlay_png(_pixels(evidence.frame, limits), evidence.geometry, drawing)


def media_type(frame: Frame) -> str:
    """What the frame's bytes are, by what they begin with."""
    known = (kind for start, kind in _STARTS.items() if frame.layout is None and frame.data.startswith(start))
    return next(known, "application/octet-stream")


def _pixels(frame: Frame, limits: Limits) -> NDArray[np.uint8]:
    if frame.layout is None:
        return decoding.decode(frame.data, limits)
    layout = frame.layout
    return decoding.decode_raw(
        frame.data, width=layout.width, height=layout.height, channels=layout.channels, limits=limits
    )


def _defect(defect: answer.Defect) -> Defect:
    box = defect.box
    return Defect(
        box=Box(box.x, box.y, box.width, box.height),
        area_px=defect.area_px,
        area_mm2=defect.area_mm2,
        peak=defect.peak,
        class_name=defect.class_name,
    )

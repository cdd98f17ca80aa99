"""The pictures of an inspection, drawn when they are asked for."""

import numpy as np
from numpy.typing import NDArray

from flawgate_gateway import answer
from flawgate_gateway.answer import Inspection
from flawgate_gateway.frames import Frame
from flawgate_gateway.ports import Evidence
from flawgate_imaging import decoding, overlay
from flawgate_imaging.decoding import Limits
from flawgate_imaging.defects import Box, Defect


def mask_png(evidence: Evidence) -> bytes:
    """The mask in the frame's size: 8-bit grey PNG, probability × 255, the largest of all classes."""
    return overlay.mask_png(evidence.mask.max(axis=0), evidence.geometry)


def overlay_png(inspection: Inspection, evidence: Evidence, limits: Limits) -> bytes:
    """The frame with mask, boxes and evaluation drawn on it: PNG, RGB."""
    return overlay.overlay_png(
        _pixels(evidence.frame, limits),
        np.divide(evidence.mask, 255, dtype=np.float32),
        evidence.geometry,
        [_defect(defect) for defect in inspection.defects],
        evaluation=inspection.evaluation,
        score=inspection.score,
        threshold=inspection.threshold,
    )


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

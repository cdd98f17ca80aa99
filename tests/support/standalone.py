"""Frames for an agent that judges by itself, and the comparison of what it says with what a cluster says."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.frames import CapturedFrame, Layout, Trigger
from flawgate_camera.standalone.messages import Stand

STREAM_ID = UUID("0192f0c1-5a3e-7c11-8f00-0123456789ab")
TAKEN_AT = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
STAND = Stand(pb.Identity(plant="P1", line="L2", station="S4", camera="cam1"), str(STREAM_ID))
TRIGGER = Trigger(id="T-1", part="SN-7", lot="L-9", work_order="W-3")
TOLERANCE = 1e-6

OWN = ("inspection_id", "request_id", "trace_id", "service_version", "received_at", "decided_at", "links", "capture")
"""What each side says in its own words."""


def captured(data: bytes, *, sequence: int = 1, layout: Layout | None = None) -> CapturedFrame:
    """A frame of the camera."""
    return CapturedFrame(sequence, data, layout, TAKEN_AT, None, TRIGGER)


def identity() -> pb.Identity:
    """What the gateway is told of the same frame."""
    told = pb.Identity(part=TRIGGER.part, lot=TRIGGER.lot, work_order=TRIGGER.work_order)
    told.MergeFrom(STAND.identity)
    return told


def assert_alike(there: pb.Inspection, here: pb.Inspection) -> None:
    """Both say the same of a frame; numbers of models within `TOLERANCE`."""
    assert set(there.stage_seconds) == set(here.stage_seconds)
    assert there.score == pytest.approx(here.score, abs=TOLERANCE)
    assert _numbers(there) == pytest.approx(_numbers(here), abs=TOLERANCE)
    assert _words(there) == _words(here)


def _numbers(inspection: pb.Inspection) -> list[float]:
    return [
        *(told.probability for told in inspection.probabilities),
        *(defect.peak for defect in inspection.defects),
        *(score for _, score in sorted(inspection.stage_scores.items())),
    ]


def _words(inspection: pb.Inspection) -> pb.Inspection:
    """All the rest."""
    words = pb.Inspection()
    words.CopyFrom(inspection)
    for name in (*OWN, "score", "stage_seconds", "stage_scores"):
        words.ClearField(name)  # type: ignore[arg-type]  # names of fields, one and all
    for told in words.probabilities:
        told.ClearField("probability")
    for defect in words.defects:
        defect.ClearField("peak")
    return words

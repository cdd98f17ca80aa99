"""What the core answers, as proto."""

from datetime import datetime

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_gateway.answer import Defect, Inspection
from flawgate_gateway.frames import Identity
from flawgate_gateway.records.queries import Page

_EVALUATIONS = {
    "OK": types_pb2.EVALUATION_OK,
    "NOT_OK": types_pb2.EVALUATION_NOT_OK,
    "NOT_DECIDABLE": types_pb2.EVALUATION_NOT_DECIDABLE,
}


def inspection_message(inspection: Inspection) -> pb.Inspection:
    """An inspection; what is null in JSON is absent."""
    frame, links = inspection.frame, inspection.links
    return pb.Inspection(
        inspection_id=inspection.inspection_id,
        recipe=inspection.recipe,
        recipe_version=inspection.recipe_version,
        policy_version=inspection.policy_version,
        variant=inspection.variant,
        evaluation=_EVALUATIONS[inspection.evaluation],
        score=inspection.score,
        threshold=inspection.threshold,
        reason=inspection.reason,
        class_name=inspection.class_name,
        probabilities=[
            pb.ClassProbability(class_name=told.class_name, probability=told.probability)
            for told in inspection.probabilities
        ],
        identity=pb.Identity(**{name: getattr(inspection, name) for name in Identity.model_fields}),
        defects=[_defect(defect) for defect in inspection.defects],
        frame=pb.FrameFacts(width=frame.width, height=frame.height, sha256=frame.sha256),
        models=[types_pb2.Model(name=m.name, version=m.version, sha256=m.sha256) for m in inspection.models],
        request_id=inspection.request_id,
        trace_id=inspection.trace_id,
        service_version=inspection.service_version,
        acquired_at=None if inspection.acquired_at is None else moment_message(inspection.acquired_at),
        capture=None if inspection.capture is None else pb.Capture(**inspection.capture.model_dump()),
        received_at=moment_message(inspection.received_at),
        decided_at=moment_message(inspection.decided_at),
        policy=ParseDict(inspection.policy, Struct()),
        preprocessing=[ParseDict(step, Struct()) for step in inspection.preprocessing],
        stage_scores=inspection.stage_scores,
        stage_seconds=inspection.stage_seconds,
        picture_quality=inspection.picture_quality,
        links=pb.Links(self=links.self, frame=links.frame, mask=links.mask, overlay=links.overlay),
    )


def page_message(page: Page) -> pb.ListInspectionsResponse:
    """A page of a list."""
    return pb.ListInspectionsResponse(
        inspections=[inspection_message(inspection) for inspection in page.inspections],
        next_page_token=page.next_page_token or "",
    )


def _defect(defect: Defect) -> types_pb2.Defect:
    box = defect.box
    return types_pb2.Defect(
        box=types_pb2.Box(x=box.x, y=box.y, width=box.width, height=box.height),
        area_px=defect.area_px,
        area_mm2=defect.area_mm2,
        peak=defect.peak,
        class_name=defect.class_name,
    )


def moment_message(moment: datetime) -> Timestamp:
    """A moment, to milliseconds, as records and JSON have it: an answer and its replay are the same."""
    stamp = Timestamp()
    stamp.FromDatetime(moment.replace(microsecond=moment.microsecond // 1000 * 1000))
    return stamp

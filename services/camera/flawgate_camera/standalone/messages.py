"""What came of a frame that was judged here, and the message that it makes: as the gateway would have written it."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from uuid_utils import uuid7

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_camera.frames import CapturedFrame, Trigger
from flawgate_contracts.context import RequestContext
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.steps import STEPS
from flawgate_imaging.findings import stage_scores
from flawgate_imaging.preparing import PreparedTensor
from flawgate_imaging.quality import Refusal
from flawgate_inference.deciding import Decision
from flawgate_inference.messages import EVALUATIONS, defect_message, model_messages

SERVICE = "flawgate-camera"
SERVICE_VERSION = f"{SERVICE} {version(SERVICE)}"
"""Stands in a record in the place of the gateway's version: the agent decided."""


def is_own(inspection: pb.Inspection) -> bool:
    """Whether an agent decided, not a gateway: whoever acts on results has acted on it before it was on record."""
    return inspection.service_version.partition(" ")[0] == SERVICE


@dataclass(frozen=True, slots=True)
class Stand:
    """Whose frame it is.

    Attributes:
        identity: plant, line, station and camera.
        stream_id: names the numbering of the camera's frames.
    """

    identity: pb.Identity
    stream_id: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a frame.

    Attributes:
        recipe: by which it was judged.
        sha256: of its bytes, hexadecimal.
        prepared: its tensor, and what was measured of the picture.
        preprocess_seconds: how long that took.
        outcome: what was decided, or why no model was asked.
        decide_seconds: how long the decision took; 0 where there was none.
        received_at: when the work began, UTC.
        context: under which ids.
    """

    recipe: Recipe
    sha256: str
    prepared: PreparedTensor
    preprocess_seconds: float
    outcome: Decision | Refusal
    decide_seconds: float
    received_at: datetime
    context: RequestContext


def inspection_message(frame: CapturedFrame, stand: Stand, judged: Judged) -> pb.Inspection:
    """The inspection of a frame that was judged here; links are the gateway's to add."""
    recipe, geometry = judged.recipe, judged.prepared.geometry
    measures = judged.prepared.quality
    return pb.Inspection(
        **_outcome(judged),
        inspection_id=str(uuid7()),
        recipe=recipe.name,
        recipe_version=recipe.version,
        policy_version=recipe.policy.version,
        threshold=recipe.policy.threshold,
        policy=ParseDict(recipe.policy.model_dump(mode="json"), Struct()),
        identity=_identity(stand.identity, frame.trigger),
        frame=pb.FrameFacts(width=geometry.frame_width, height=geometry.frame_height, sha256=judged.sha256),
        request_id=judged.context.request_id,
        trace_id=judged.context.trace_id,
        service_version=SERVICE_VERSION,
        acquired_at=_moment(frame.acquired_at),
        received_at=_moment(judged.received_at),
        decided_at=_moment(datetime.now(UTC)),
        stage_seconds=_stage_seconds(judged),
        capture=pb.Capture(stream_id=stand.stream_id, sequence=frame.sequence, trigger_id=frame.trigger.id),
        picture_quality={} if measures is None else asdict(measures),
        variant="stable",
    )


def _outcome(judged: Judged) -> dict[str, Any]:
    """The fields that say what was decided."""
    outcome, recipe = judged.outcome, judged.recipe
    if isinstance(outcome, Refusal):
        return {"evaluation": types_pb2.EVALUATION_NOT_DECIDABLE, "reason": outcome.value}
    told = zip(recipe.classes, outcome.probabilities, strict=False)
    return {
        "evaluation": EVALUATIONS[outcome.verdict.evaluation],
        "reason": outcome.verdict.reason,
        "score": outcome.score,
        "class_name": outcome.class_name,
        "probabilities": [pb.ClassProbability(class_name=name, probability=value) for name, value in told],
        "defects": [defect_message(defect) for defect in outcome.defects],
        "models": model_messages(recipe),
        "preprocessing": [ParseDict(step, Struct()) for step in STEPS.dump_python(recipe.steps, mode="json")],
        "stage_scores": stage_scores(recipe.kind, outcome.mask, outcome.score),
    }


def _stage_seconds(judged: Judged) -> dict[str, float]:
    """Rounded to microseconds; of a refused picture the pre-processing alone."""
    prepared, outcome = judged.prepared, judged.outcome
    seconds = {
        "preprocess": judged.preprocess_seconds,
        "decode": prepared.decode_seconds,
        "steps": prepared.steps_seconds,
    }
    if isinstance(outcome, Decision):
        seconds |= {
            "decide": judged.decide_seconds,
            "infer": outcome.infer_seconds,
            "policy": outcome.policy_seconds,
        }
    return {stage: round(value, 6) for stage, value in seconds.items()}


def _identity(camera: pb.Identity, trigger: Trigger) -> pb.Identity:
    """The camera's, with what the trigger says of the part."""
    identity = pb.Identity(part=trigger.part, lot=trigger.lot, work_order=trigger.work_order)
    identity.MergeFrom(camera)
    return identity


def _moment(moment: datetime) -> Timestamp:
    """To milliseconds, as the gateway keeps them."""
    stamp = Timestamp()
    stamp.FromDatetime(moment.replace(microsecond=moment.microsecond // 1000 * 1000))
    return stamp

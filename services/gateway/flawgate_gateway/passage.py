"""What came of a frame's way through the services, and the inspection that it makes."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from uuid_utils import uuid7

from flawgate_contracts.context import current_context
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.steps import STEPS
from flawgate_gateway.answer import FrameFacts, Inspection, Links, Variant
from flawgate_gateway.frames import Frame, InspectionOrder
from flawgate_gateway.ports import Decided, Evidence, PreparedTensor
from flawgate_imaging.findings import stage_scores
from flawgate_imaging.quality import Refusal, refusal

DEADLINE_UNREACHABLE = "DEADLINE_UNREACHABLE"
"""The reason of a frame that was not looked at, since it could not have been judged in time."""

SERVICE_VERSION = version("flawgate-gateway")


@dataclass(frozen=True, slots=True)
class Passage:
    """A frame that went all the way."""

    recipe: Recipe
    prepared: PreparedTensor
    decided: Decided
    preprocess_seconds: float
    decide_seconds: float
    variant: Variant = "stable"
    """Which decision service judged it, by its own recipe."""

    def evidence(self, frame: Frame) -> Evidence:
        """What its pictures are drawn from."""
        return Evidence.of(frame, self.recipe, self.decided, self.prepared.geometry)

    def stage_scores(self) -> dict[str, float]:
        """Network → what it said, 0 to 1; of a cascade both, of any other kind its only one."""
        return stage_scores(self.recipe.kind, self.decided.mask, self.decided.score)

    def stage_seconds(self) -> dict[str, float]:
        """Stage → seconds, rounded to microseconds."""
        decided = {
            "decide": self.decide_seconds,
            "infer": self.decided.infer_seconds,
            "policy": self.decided.policy_seconds,
        }
        return _preprocessing_seconds(self.prepared, self.preprocess_seconds) | _rounded(decided)


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame whose picture is outside of its recipe's limits: no model was asked."""

    recipe: Recipe
    prepared: PreparedTensor
    reason: Refusal
    preprocess_seconds: float
    variant: Variant = "stable"
    """Whose recipe limits it."""


def refusal_of(frame: Frame, recipe: Recipe, prepared: PreparedTensor) -> Refusal | None:
    """Why no model must be asked of a frame; None where one may be."""
    if recipe.quality is None or prepared.quality is None:
        return None
    return refusal(prepared.quality, recipe.quality, repeats=frame.repeats)


def decided_inspection(order: InspectionOrder, received_at: datetime, passage: Passage, sha256: str) -> Inspection:
    """The inspection of a frame that went all the way.

    Args:
        order: what was asked for.
        received_at: when, UTC.
        passage: what came of it.
        sha256: of the frame's bytes, hexadecimal.
    """
    decided, geometry = passage.decided, passage.prepared.geometry
    return _inspection(
        order,
        received_at,
        recipe_version=decided.recipe_version,
        policy_version=decided.policy_version,
        policy=passage.recipe.policy.model_dump(mode="json"),
        variant=passage.variant,
        evaluation=decided.evaluation,
        score=decided.score,
        threshold=decided.threshold,
        reason=decided.reason,
        class_name=decided.class_name,
        probabilities=decided.probabilities,
        defects=decided.defects,
        frame=FrameFacts(width=geometry.frame_width, height=geometry.frame_height, sha256=sha256),
        models=decided.models,
        preprocessing=tuple(STEPS.dump_python(passage.recipe.steps, mode="json")),
        stage_scores=passage.stage_scores(),
        stage_seconds=passage.stage_seconds(),
        picture_quality=_picture_quality(passage.prepared),
    )


def unreachable_inspection(order: InspectionOrder, received_at: datetime, recipe: Recipe, sha256: str) -> Inspection:
    """The inspection of a frame that could not make its deadline: NOT_DECIDABLE, without a score."""
    return _undecided(
        order,
        received_at,
        recipe,
        reason=DEADLINE_UNREACHABLE,
        frame=FrameFacts(width=None, height=None, sha256=sha256),
        stage_seconds={},
    )


def refused_inspection(order: InspectionOrder, received_at: datetime, refused: Refused, sha256: str) -> Inspection:
    """The inspection of a frame whose picture is not good enough to be judged: NOT_DECIDABLE, without a score."""
    prepared, geometry = refused.prepared, refused.prepared.geometry
    return _undecided(
        order,
        received_at,
        refused.recipe,
        reason=refused.reason.value,
        variant=refused.variant,
        frame=FrameFacts(width=geometry.frame_width, height=geometry.frame_height, sha256=sha256),
        stage_seconds=_preprocessing_seconds(prepared, refused.preprocess_seconds),
        picture_quality=_picture_quality(prepared),
    )


def _picture_quality(prepared: PreparedTensor) -> dict[str, float]:
    return {} if prepared.quality is None else asdict(prepared.quality)


def _preprocessing_seconds(prepared: PreparedTensor, preprocess_seconds: float) -> dict[str, float]:
    return _rounded(
        {"preprocess": preprocess_seconds, "decode": prepared.decode_seconds, "steps": prepared.steps_seconds}
    )


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {stage: round(value, 6) for stage, value in seconds.items()}


def _undecided(order: InspectionOrder, received_at: datetime, recipe: Recipe, **facts: Any) -> Inspection:
    """That of a frame which no model has seen."""
    return _inspection(
        order,
        received_at,
        recipe_version=recipe.version,
        policy_version=recipe.policy.version,
        policy=recipe.policy.model_dump(mode="json"),
        evaluation="NOT_DECIDABLE",
        score=None,
        threshold=recipe.policy.threshold,
        probabilities=(),
        defects=(),
        models=(),
        preprocessing=(),
        stage_scores={},
        **facts,
    )


def _inspection(order: InspectionOrder, received_at: datetime, **facts: Any) -> Inspection:
    inspection_id, context = str(uuid7()), current_context()
    return Inspection(
        **order.identity().model_dump(),
        **facts,
        inspection_id=inspection_id,
        recipe=order.recipe,
        request_id=context.request_id,
        trace_id=context.trace_id,
        acquired_at=order.acquired_at,
        received_at=received_at,
        decided_at=datetime.now(UTC),
        service_version=SERVICE_VERSION,
        links=Links.of(inspection_id, pictures=False, mask=False, overlay=False),
    )

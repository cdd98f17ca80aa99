"""Fakes of the gateway's ports: preprocessing, decision and the counter beside it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from flawgate_contracts.context import current_context
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.steps import Step
from flawgate_gateway.admission.observer import Rejection
from flawgate_gateway.answer import Box, Defect, Inspection, ModelFacts
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.frames import Frame
from flawgate_gateway.ports import Decided, Evidence, ListedRecipe, PreparedTensor, Stage
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.quality import Measures
from support.tiny_repository import HEIGHT, WIDTH, spot_recipe

SPOT_DEFECT = Defect(box=Box(x=0, y=8, width=8, height=8), area_px=64, area_mm2=None, peak=1.0, class_name="spot")


class FakePreprocessor:
    """A `Preprocessor` for which every frame is black."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.steps: list[Sequence[Step]] = []
        self.error: FlawgateError | None = None
        """Raised by every call while it is set."""
        self.delay_s = 0.0
        self.quality = Measures(mean=0.5, dark_share=0.0, bright_share=0.0, focus=100.0)
        """Of every frame, where it is asked for."""

    async def preprocess(self, frame: Frame, steps: Sequence[Step], *, measure_quality: bool) -> PreparedTensor:
        """See `Preprocessor`."""
        self.frames.append(frame)
        self.steps.append(steps)
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        quality = self.quality if measure_quality else None
        return PreparedTensor(bytes(WIDTH * HEIGHT), 1, Geometry.identity(WIDTH, HEIGHT), 0.002, 0.001, quality)


class FakeDecider:
    """A `Decider` with the recipe `spot`, for which every part is bad."""

    def __init__(self, recipe: Recipe | None = None) -> None:
        self.listed = [ready(recipe or spot_recipe())]
        self.decided: list[Recipe] = []
        self.errors: list[Exception] = []
        """Raised by the next calls of `decide`, one each."""
        self.down: Exception | None = None
        """Raised by `recipes` while it is set."""
        self.delay_s = 0.0
        self.list_delay_s = 0.0
        self.lists = 0
        self.cancelled = 0
        self.deadlines: list[float | None] = []
        """The deadline under which each call of `recipes` was made."""

    async def decide(self, recipe: Recipe, prepared: PreparedTensor) -> Decided:
        """See `Decider`."""
        self.decided.append(recipe)
        if self.errors:
            raise self.errors.pop(0)
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return spot_decided(recipe)

    async def recipes(self) -> Sequence[ListedRecipe]:
        """See `Decider`."""
        self.lists += 1
        self.deadlines.append(current_context().deadline)
        await asyncio.sleep(self.list_delay_s)
        if self.down is not None:
            raise self.down
        return list(self.listed)


class CountingObserver:
    """An `Observer` that keeps what it is told."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.evaluations: Counter[str] = Counter()
        self.replays = 0
        self.failures: Counter[str] = Counter()
        self.stages: list[dict[str, float]] = []
        self.timed: dict[str, list[float]] = defaultdict(list)
        """Seconds, by stage."""
        self.rejections: Counter[str] = Counter()
        self.queues: dict[str, Callable[[], int]] = {}
        self.recipes: list[str] = []
        """Names of those listed last."""

    def listed(self, recipes: Sequence[ListedRecipe]) -> None:
        """See `Observer`."""
        self.recipes = [recipe.name for recipe in recipes]

    def queue_opened(self, recipe: str, waiting: Callable[[], int]) -> None:
        """See `AdmissionObserver`."""
        self.queues[recipe] = waiting

    def waited(self, seconds: float) -> None:
        """See `AdmissionObserver`."""
        self.timed["wait"].append(seconds)

    def rejected(self, cause: Rejection) -> None:
        """See `AdmissionObserver`."""
        self.rejections[cause] += 1

    def stage(self, stage: Stage, seconds: float) -> None:
        """See `Observer`."""
        self.timed[stage].append(seconds)

    def started(self) -> None:
        """See `Observer`."""
        self.begun += 1

    def answered(self, inspection: Inspection, seconds: float) -> None:
        """See `Observer`."""
        self.evaluations[inspection.evaluation] += 1
        self.stages.append(inspection.stage_seconds)

    def replayed(self) -> None:
        """See `Observer`."""
        self.replays += 1

    def failed(self, reason: str) -> None:
        """See `Observer`."""
        self.failures[reason] += 1

    def finished(self) -> None:
        """See `Observer`."""
        self.ended += 1


class FakeArchive:
    """An `Archive` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Evidence] = {}
        """By the frame's SHA-256."""
        self.error: FlawgateError | None = None
        """Raised by every `put` while it is set."""
        self.delay_s = 0.0

    async def put(self, inspection: Inspection, evidence: Evidence) -> Archived | None:
        """See `Archive`."""
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        sha256 = inspection.frame.sha256
        self.kept[sha256] = evidence
        return Archived(
            evaluation=inspection.evaluation,
            frame_sha256=sha256,
            mask_sha256=None if evidence.mask is None else "0" * 64,
            explanation_sha256=None,
            document="{}",
            stored_bytes=len(evidence.frame.data),
            keep_until_us=None,
        )

    async def get(self, archived: Archived) -> Evidence:
        """See `Archive`."""
        return self.kept[str(archived.frame_sha256)]

    async def get_frame(self, archived: Archived) -> Frame:
        """See `Archive`."""
        return self.kept[str(archived.frame_sha256)].frame


def ready(recipe: Recipe) -> ListedRecipe:
    """A recipe that can be used."""
    return ListedRecipe(recipe.name, "READY", "", recipe)


def spot_decided(recipe: Recipe) -> Decided:
    """NOT_OK, with one defect in the block of row 1, column 0."""
    mask = np.zeros((1, 4, 3), np.uint8)
    mask[0, 1, 0] = 255
    return Decided(
        evaluation="NOT_OK",
        reason="SCORE_ABOVE_THRESHOLD",
        score=1.0,
        threshold=recipe.policy.threshold,
        policy_version=recipe.policy.version,
        recipe_version=recipe.version,
        class_name=None,
        probabilities=(),
        defects=(SPOT_DEFECT,),
        mask=mask,
        models=tuple(ModelFacts(name=m.name, version=m.version, sha256=m.sha256) for m in recipe.models),
        infer_seconds=0.004,
        policy_seconds=0.001,
    )

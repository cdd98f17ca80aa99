"""What the core needs of the other services, in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.kinds import Kind
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.steps import Step
from flawgate_gateway.admission.observer import AdmissionObserver
from flawgate_gateway.answer import ClassProbability, Defect, Inspection, ModelFacts
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.frames import Frame
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.quality import Measures


@dataclass(frozen=True, slots=True)
class PreparedTensor:
    """What preprocessing made of a frame."""

    tensor: bytes
    """uint8, 0–255, (channels, height, width), row-major."""
    channels: int
    geometry: Geometry
    decode_seconds: float
    steps_seconds: float
    quality: Measures | None = None
    """Of the frame as decoded; None where it was not asked for."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What decision said of a tensor."""

    evaluation: str
    reason: str
    score: float
    threshold: float
    policy_version: str
    recipe_version: str
    class_name: str | None
    """Of the frame as a whole; None where none can be said."""
    probabilities: tuple[ClassProbability, ...]
    """Of classes of frames; empty unless the recipe is a classification."""
    defects: tuple[Defect, ...]
    mask: NDArray[np.uint8] | None
    """(classes, height, width), uint8: probability, or residual, × 255; None of a classification."""
    models: tuple[ModelFacts, ...]
    infer_seconds: float
    policy_seconds: float
    explanation: NDArray[np.uint8] | None = None
    """(height, width), uint8, × 255: where the class answered is seen (Grad-CAM); None where no recipe says it."""


RecipeState = Literal["READY", "UNTRUSTED", "UNAVAILABLE", "BROKEN"]
"""Of an UNTRUSTED recipe every frame is NOT_DECIDABLE: its models answer, but judge its golden frames otherwise."""


@dataclass(frozen=True, slots=True)
class GoldenCheck:
    """The last check of a recipe's golden frames."""

    checked_at: datetime
    """UTC."""
    passed: int
    """Frames that were judged as they should be."""
    failed: int
    missing: int
    """Frames whose pictures were not at hand."""
    largest_difference: float
    """Of a score from the one expected, 0–1."""


@dataclass(frozen=True, slots=True)
class ListedRecipe:
    """A recipe as decision lists it."""

    name: str
    state: RecipeState
    detail: str
    recipe: Recipe | None
    """None where it could not be read."""
    golden: GoldenCheck | None = None
    """None where there was no check, e.g. since it has no golden frames."""

    @property
    def usable(self) -> Recipe | None:
        """The recipe, if frames can be judged by it: also one that is not trusted, so that each has its record."""
        return self.recipe if self.state in ("READY", "UNTRUSTED") else None


class RecipeSource(Protocol):
    """The recipes, each under the policy in force."""

    async def ready(self, name: str) -> Recipe:
        """The recipe of that name, ready for use. Raises `FlawgateError`."""
        ...

    def forget(self) -> None:
        """Look again the next time."""
        ...


class Preprocessor(Protocol):
    """The preprocessing service."""

    async def preprocess(self, frame: Frame, steps: Sequence[Step], *, measure_quality: bool) -> PreparedTensor:
        """Decode a frame, measure it where that is asked for, and carry out the steps. Raises `FlawgateError`."""
        ...


class Decider(Protocol):
    """The decision service."""

    async def decide(self, recipe: Recipe, prepared: PreparedTensor) -> Decided:
        """Run the recipe's models and its policy. Raises `FlawgateError`."""
        ...

    async def recipes(self) -> Sequence[ListedRecipe]:
        """All recipes, sorted by name. Raises `FlawgateError`."""
        ...


Stage = Literal["wait", "preprocess", "decide", "archive", "record"]
"""A part of an inspection's time, hops included."""
STAGES: tuple[Stage, ...] = get_args(Stage)


class StageObserver(Protocol):
    """Whoever measures stages."""

    def stage(self, stage: Stage, seconds: float) -> None:
        """A frame was in that stage for so long, whatever came of it."""
        ...


class Observer(AdmissionObserver, StageObserver, Protocol):
    """Whoever counts."""

    def listed(self, recipes: Sequence[ListedRecipe]) -> None:
        """These are the recipes by which frames are inspected from now on."""
        ...

    def started(self) -> None:
        """An inspection was taken on."""
        ...

    def answered(self, inspection: Inspection, seconds: float) -> None:
        """An inspection ended with an evaluation, so many seconds after its first byte came."""
        ...

    def replayed(self) -> None:
        """A request got the answer of an earlier one."""
        ...

    def failed(self, reason: str) -> None:
        """An inspection ended without one."""
        ...

    def finished(self) -> None:
        """An inspection that was taken on has ended, either way."""
        ...


@dataclass(frozen=True, slots=True)
class DrawingFacts:
    """What the pictures need to know of the recipe, so that they can be drawn long after it is gone."""

    recipe: str
    """Its name."""
    kind: Kind
    classes: tuple[str, ...]
    """Names of the mask's channels or of the probabilities."""
    mask_threshold: float
    """A pixel belongs to a defect from this probability upwards, above 0, below 1."""
    areas_decide: bool
    """Whether limits of areas decide, not the score."""

    @classmethod
    def of(cls, recipe: Recipe) -> "DrawingFacts":
        """Those of a recipe, with the policy that was in force."""
        policy = recipe.policy
        return cls(recipe.name, recipe.kind, recipe.classes, policy.mask_threshold, bool(policy.areas))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the pictures of an inspection are drawn from."""

    frame: Frame
    facts: DrawingFacts
    mask: NDArray[np.uint8] | None
    """(classes, height, width), uint8: probability, or residual, × 255; None of a classification."""
    geometry: Geometry | None
    """From the tensor to the frame; None of a frame that was not looked at."""
    explanation: NDArray[np.uint8] | None = None
    """See `Decided.explanation`."""

    @classmethod
    def unseen(cls, frame: Frame, recipe: Recipe) -> "Evidence":
        """That of a frame which was not looked at: the picture alone."""
        return cls(frame, DrawingFacts.of(recipe), None, None)

    @classmethod
    def of(cls, frame: Frame, recipe: Recipe, decided: Decided, geometry: Geometry) -> "Evidence":
        """That of a frame which was decided by a recipe."""
        return cls(frame, DrawingFacts.of(recipe), decided.mask, geometry, decided.explanation)


class Archive(Protocol):
    """Where the pictures of inspections are kept."""

    async def put(self, inspection: Inspection, evidence: Evidence) -> Archived | None:
        """Keep what an inspection's pictures are drawn from; None where the rules keep nothing of it.

        Raises `FlawgateError`.
        """
        ...

    async def get(self, archived: Archived) -> Evidence:
        """What was kept. Raises `FlawgateError`."""
        ...

    async def get_frame(self, archived: Archived) -> Frame:
        """The frame alone. Raises `FlawgateError`."""
        ...

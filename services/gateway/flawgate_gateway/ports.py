"""What the core needs of the other services, in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.recipe import Recipe
from flawgate_contracts.steps import Step
from flawgate_gateway.answer import ClassProbability, Defect, ModelFacts
from flawgate_gateway.frames import Frame
from flawgate_imaging.geometry import Geometry


@dataclass(frozen=True, slots=True)
class PreparedTensor:
    """What preprocessing made of a frame."""

    tensor: bytes
    """uint8, 0–255, (channels, height, width), row-major."""
    channels: int
    geometry: Geometry
    decode_seconds: float
    steps_seconds: float


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


@dataclass(frozen=True, slots=True)
class ListedRecipe:
    """A recipe as decision lists it."""

    name: str
    state: str
    """READY, UNAVAILABLE or BROKEN."""
    detail: str
    recipe: Recipe | None
    """None where it could not be read."""


class Preprocessor(Protocol):
    """The preprocessing service."""

    async def preprocess(self, frame: Frame, steps: Sequence[Step]) -> PreparedTensor:
        """Decode a frame and carry out the steps. Raises `FlawgateError`."""
        ...


class Decider(Protocol):
    """The decision service."""

    async def decide(self, recipe: Recipe, prepared: PreparedTensor) -> Decided:
        """Run the recipe's models and its policy. Raises `FlawgateError`."""
        ...

    async def recipes(self) -> Sequence[ListedRecipe]:
        """All recipes, sorted by name. Raises `FlawgateError`."""
        ...


class Observer(Protocol):
    """Whoever counts."""

    def started(self) -> None:
        """An inspection was taken on."""
        ...

    def answered(self, recipe: str, decided: Decided, seconds: float, stage_seconds: dict[str, float]) -> None:
        """An inspection ended with an evaluation."""
        ...

    def failed(self, reason: str) -> None:
        """An inspection ended without one."""
        ...

    def finished(self) -> None:
        """An inspection that was taken on has ended, either way."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the pictures of an inspection are drawn from."""

    frame: Frame
    recipe: Recipe
    """That it was inspected by."""
    mask: NDArray[np.uint8] | None
    """(classes, height, width), uint8: probability, or residual, × 255; None of a classification."""
    geometry: Geometry
    nbytes: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nbytes", len(self.frame.data) + (0 if self.mask is None else self.mask.nbytes))

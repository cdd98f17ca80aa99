"""The experiment: everything that defines a training run. Saved beside its weights, so the folder alone is enough."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from flawgate_contracts.recipe import QualityLimits, TensorInput
from flawgate_contracts.steps import Step, channels_after, size_after
from flawgate_contracts.tiling import Tiling
from flawgate_training.experiment.data import Data
from flawgate_training.experiment.part import Part
from flawgate_training.experiment.training import Machine, Stage

Task = Literal["cascade", "segmentation", "classification", "anomaly"]

STAGES: dict[Task, tuple[str, ...]] = {
    "cascade": ("segmentation", "refinement", "classification"),
    "segmentation": ("segmentation",),
    "classification": ("classification",),
    "anomaly": ("reconstruction",),
}
"""The stages of each task, in order.

The refinement may be left out. In it a cascade's segmentation goes on from where the first stage left it, by settings
of its own: whole frames, for example, after windows of them.
"""

_OPTIONAL = "refinement"

_ORDER = {title: place for place, title in enumerate(dict.fromkeys(chain.from_iterable(STAGES.values())))}

Paper = Literal["a", "b", "c", "d", "e"]

PAPERS: dict[Paper, str] = {
    "a": "sewing stitches",
    "b": "textures",
    "c": "garments",
    "d": "motor commutators",
    "e": "leather",
}
"""What each paper inspects."""


class Network(Part):
    """Which network, and how it begins."""

    architecture: str = Field(description="Name as in `flawgate architectures`.")
    options: dict[str, JsonValue] = Field(default={}, description="Of the architecture; its own defaults where absent.")
    weights: str | None = Field(
        default=None,
        description="File to begin from (.pt or .safetensors; a whole network or its encoder); none: random weights.",
    )


class Judging(Part):
    """How a frame's score comes about, and from which score on it is NOT_OK."""

    threshold: float | Literal["validation"] = Field(
        default=0.9,
        description="Score, 0–1, from which a frame is NOT_OK; `validation`: chosen on validation frames, by F1 or, "
        "for an anomaly, by the quantile of good ones.",
    )
    good_quantile: float = Field(
        default=0.99, gt=0.5, lt=1, description="Share of good validation frames that an anomaly threshold passes."
    )
    top_share: float = Field(
        default=0.001, gt=0, le=1, description="A map's score is the mean of this share of its highest pixels."
    )


def _is_none(value: object) -> bool:
    """What is not stated is not written either: runs are known by a digest of their description."""
    return value is None


class Experiment(Part):
    """One training run."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Of the file, or of the recipe of own parts.")
    title: str = Field(min_length=1, max_length=200, description="One line for people.")
    paper: Paper | None = Field(default=None, description="The paper whose experiment this is; none: ours.")
    task: Task = Field(description="What the network says: see STAGES for how it learns that.")
    network: Network
    data: Data
    steps: tuple[Step, ...] = Field(
        min_length=1, max_length=32, description="From the frame to the input, as in service."
    )
    tiling: Tiling | None = Field(
        default=None, description="Slices of the input, each judged by itself; none: the whole."
    )
    stages: dict[str, Stage] = Field(description="By name, those of the task; null takes an optional one away.")
    judging: Judging = Judging()
    quality: QualityLimits | None = Field(
        default=None,
        exclude_if=_is_none,
        description="How good a picture must be to be judged in service; none: `flawgate export` measures it.",
    )
    machine: Machine = Machine()
    seed: int = Field(default=0, ge=0, description="Of weights, order and augmentation.")

    @field_validator("stages", mode="before")
    @classmethod
    def _in_order(cls, stages: object) -> object:
        if not isinstance(stages, Mapping):
            return stages
        kept = [title for title, stage in stages.items() if stage is not None or title != _OPTIONAL]
        return {title: stages[title] for title in sorted(kept, key=lambda title: _ORDER.get(title, len(_ORDER)))}

    @model_validator(mode="after")
    def _stages_are_those_of_the_task(self) -> Self:
        wanted = STAGES[self.task]
        if tuple(self.stages) not in {wanted, tuple(title for title in wanted if title != _OPTIONAL)}:
            raise ValueError(f"the stages of the task {self.task} are {', '.join(wanted)}, in this order")
        return self

    @model_validator(mode="after")
    def _parts_are_of_a_refinement(self) -> Self:
        parted = [title for title, stage in self.stages.items() if stage.bank is not None and stage.bank.parts]
        if parted and (_OPTIONAL not in self.stages or parted != ["classification"]):
            raise ValueError(
                "bank.parts is for the classification of a cascade with a refinement: each part is left out of one; "
                f"leave stages.{parted[0]}.bank.parts out, or add a refinement"
            )
        return self

    @model_validator(mode="after")
    def _hard_negatives_are_known(self) -> Self:
        hard = [title for title, stage in self.stages.items() if stage.sampler == "hard_negatives"]
        banks = {title: self.stages[title].bank for title in hard}
        wrong = [title for title, bank in banks.items() if title != _OPTIONAL and not (bank and bank.parts)]
        if wrong:
            raise ValueError(
                "the sampler hard_negatives goes by what a cascade's segmentation has learned, so it is for the stage "
                "refinement, and for a classification from a bank of parts; give "
                f"{wrong[0]} the sampler frequency_of_use"
            )
        return self

    @model_validator(mode="after")
    def _steps_give_one_kind_of_input(self) -> Self:
        _given_by(self.steps)
        return self

    @property
    def prepared(self) -> TensorInput:
        """What the steps give: channels, rows and columns."""
        return _given_by(self.steps)

    @property
    def input(self) -> TensorInput:
        """What the network takes: a tile, or all that the steps give."""
        if self.tiling is None:
            return self.prepared
        return TensorInput(channels=self.prepared.channels, height=self.tiling.height, width=self.tiling.width)


def _given_by(steps: Sequence[Step]) -> TensorInput:
    channels, size = channels_after(steps), size_after(steps)
    if size is None:
        raise ValueError("the steps need a resize: a network has one input size")
    if channels is None:
        raise ValueError("the steps need grey or colour: a network has one number of channels")
    return TensorInput(channels=channels, height=size[0], width=size[1])

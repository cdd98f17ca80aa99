"""What a run said about every frame, kept in its folder: figures and pages follow from it without the network."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from torch import nn

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.evaluation.figures import Figures
from flawgate_training.experiment.data import FileData
from flawgate_training.experiment.schema import Experiment
from flawgate_training.learning.storage import write_whole

PREDICTIONS = "predictions.json"
"""File name of a `Judged`, in a run's folder."""

BINS = 4096
"""Of a `Histogram`: probabilities to 12 bits."""


class Prediction(Figures):
    """What the network said about one frame."""

    name: str
    defective: bool = Field(description="The truth.")
    score: float = Field(ge=0, le=1, description="Higher is worse.")
    group: str = Field(default="", description="Of frames that show the same part.")
    label: int = Field(default=0, ge=0, description="The true class.")
    answer: int | None = Field(default=None, ge=0, description="The class answered, where the network answers one.")
    confusion: tuple[int, ...] | None = Field(
        default=None, description="Its pixels by true class and answer, row by row, where the network marks pixels."
    )


class Histogram(Figures):
    """How many pixels have which probability (or residual), from 0 to 1 in `BINS` equal steps."""

    good: tuple[int, ...] = Field(min_length=BINS, max_length=BINS)
    defective: tuple[int, ...] = Field(min_length=BINS, max_length=BINS)

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Self:
        """From counts, (2, `BINS`): those of good pixels, then of defective ones."""
        return cls(good=tuple(counts[0].tolist()), defective=tuple(counts[1].tolist()))


class Judged(Figures):
    """Every prediction of one run, and which run that is."""

    digest: str = Field(description="Of the experiment and the weights, see `digest`.")
    experiment: Experiment
    classes: tuple[str, ...]
    validation: tuple[Prediction, ...] = Field(description="Frames that choose thresholds; never tested upon.")
    test: tuple[Prediction, ...]
    pixels: Histogram | None = Field(default=None, description="Of the test frames' maps.")

    @property
    def fold(self) -> int:
        """Number of the fold that was judged; 0 without a cross-validation."""
        data = self.experiment.data
        return (data.split.fold or 0) if isinstance(data, FileData) else 0

    def is_of(self, made_by: str, validation: list[str], test: list[str]) -> bool:
        """Whether these are the predictions of that experiment and those weights, on frames of these names."""
        names = [[prediction.name for prediction in subset] for subset in (self.validation, self.test)]
        return self.digest == made_by and names == [validation, test]

    def save(self, folder: Path) -> None:
        """Write `predictions.json`, whole or not at all.

        Raises:
            DiskFull: no space is left.
        """
        write_whole(folder / PREDICTIONS, self.model_dump_json().encode() + b"\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `predictions.json`.

        Raises:
            InvalidParameter: there is none, or it is of another version of Flawgate.
        """
        try:
            return cls.model_validate_json((folder / PREDICTIONS).read_bytes())
        except (OSError, ValidationError) as err:
            raise InvalidParameter(f"The run in {folder} is not judged yet; run `flawgate evaluate` on it.") from err


def digest(experiment: Experiment, network: nn.Module) -> str:
    """SHA-256, as hexadecimal digits, of an experiment's description and a network's weights."""
    told = hashlib.sha256(experiment.model_dump_json().encode())
    for name, values in network.state_dict().items():
        told.update(name.encode())
        told.update(np.ascontiguousarray(values.detach().cpu().numpy()).tobytes())
    return told.hexdigest()


def joint_digest(folds: Sequence[Judged]) -> str:
    """Of one run its own digest; of several, the SHA-256 of all theirs, sorted."""
    if len(folds) == 1:
        return folds[0].digest
    return hashlib.sha256("".join(sorted(fold.digest for fold in folds)).encode()).hexdigest()

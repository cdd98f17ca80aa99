"""What each epoch came to: kept in the run's folder, so that a report can draw it."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.learning.storage import write_whole

CURVES = "curves.json"
"""File of a run's folder: the epochs of each stage, by the stage's name."""


class Epoch(BaseModel):
    """One epoch of a stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int = Field(ge=1, description="The first is 1.")
    loss: float = Field(description="Mean over the frames shown.")
    score: float | None = Field(description="Of the validation frames, higher is better; null: there are none.")
    learning_rate: float = Field(ge=0, description="After the last step, of the first group of weights.")
    seconds: float = Field(ge=0, description="Of the epoch, its validation included.")
    waited: float = Field(ge=0, le=1, description="Share of the steps' time that they waited for batches.")


Curves = dict[str, tuple[Epoch, ...]]

_CURVES: TypeAdapter[Curves] = TypeAdapter(Curves)


def read(folder: Path) -> Curves:
    """The epochs of the run in a folder, by stage, as far as it came; none where there is no run.

    Raises:
        InvalidParameter: the file is there, but holds no epochs.
    """
    path = folder / CURVES
    if not path.exists():
        return {}
    try:
        return _CURVES.validate_json(path.read_bytes())
    except ValidationError as err:
        raise InvalidParameter(f"{path} holds no training curves; remove it to do without them.") from err


def write(folder: Path, title: str, epochs: Sequence[Epoch]) -> None:
    """Replace the epochs of one stage.

    Raises:
        DiskFull: no space is left; the file is as it was.
    """
    curves = read(folder) | {title: tuple(epochs)}
    write_whole(folder / CURVES, _CURVES.dump_json(curves, indent=2) + b"\n")

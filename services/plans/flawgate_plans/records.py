"""What is known of the plans of a model version: `plans.json` beside them."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flawgate_contracts.errors import DamagedModel
from flawgate_contracts.recipe import Precision, Sha256
from flawgate_contracts.repository.files import write_whole

FILE = "plans.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Proof(_Part):
    """How the plans of a recipe's version judged its golden frames; the same for all its models."""

    frames: int = Field(ge=1, description="Golden frames that were judged.")
    unchecked: int = Field(ge=0, description="Golden frames whose pictures are not here.")
    score_difference: float = Field(ge=0, le=1, description="Largest over the frames.")
    tolerance: float = Field(gt=0, le=1, description="Largest that was allowed.")
    onnxruntime_differences: dict[str, float] | None = Field(
        default=None,
        description="By answer: largest difference to what ONNX Runtime gives on the CPU; null: it is not installed.",
    )


class PlanRecord(_Part):
    """One plan."""

    sha256: Sha256
    onnx_sha256: Sha256 = Field(description="Of the model.onnx that it was built from.")
    precision: Precision = Field(description="Of that file.")
    tensorrt: str = Field(description="Version that built it, and alone can run it.")
    driver: str
    gpu: str = Field(description="Name of the GPU that it was built on.")
    compute_capability: str = Field(pattern=r"^\d+\.\d+$", description="Of that GPU, and of those that can run it.")
    build_seconds: float = Field(ge=0)
    built_at: datetime = Field(description="UTC.")
    proof: Proof


class PlanRecords(_Part):
    """Of one version of one model."""

    plans: dict[str, PlanRecord] = Field(default_factory=dict, description="By file name.")


def read_records(folder: Path) -> PlanRecords:
    """The records of a model version; none where nothing is recorded.

    Raises:
        DamagedModel: the file cannot be read.
    """
    path = folder / FILE
    try:
        return PlanRecords.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return PlanRecords()
    except ValidationError as err:
        raise DamagedModel(f"{path} cannot be read; delete it and build the plans again.") from err


def record(folder: Path, name: str, plan: PlanRecord) -> None:
    """Add a plan, or put it in the place of the one of that name.

    Raises:
        DamagedModel: what stands there cannot be read.
        DiskFull: no space is left.
    """
    records = PlanRecords(plans=read_records(folder).plans | {name: plan})
    write_whole(folder / FILE, records.model_dump_json(indent=2).encode() + b"\n")

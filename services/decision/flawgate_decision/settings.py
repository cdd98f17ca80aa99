"""Settings of the decision service: environment variables `DECISION_...`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from flawgate_contracts.settings import CallingServiceSettings, Port


class DecisionSettings(CallingServiceSettings):
    """What the decision service is told at its start."""

    model_config = SettingsConfigDict(env_prefix="DECISION_", frozen=True, extra="forbid", protected_namespaces=())

    port: Port = Field(default=8083, description="Port of the gRPC server.")
    metrics_port: Port = Field(default=9083, description="Port of `/metrics`.")
    model_server: Literal["triton", "onnxruntime"] = Field(
        default="triton", description="Where models run: in Triton, or in this process with ONNX Runtime."
    )
    triton_target: str = Field(default="127.0.0.1:8001", description="Triton's gRPC address, `host:port`.")
    model_repository: Path | None = Field(
        default=None,
        description="Folder of the model repository: `onnxruntime` needs it; golden frames are read there.",
    )
    threads: int = Field(
        default=0, ge=0, le=256, description="Threads of one ONNX Runtime call, for `onnxruntime`; 0 for all cores."
    )
    infer_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="Longest time that one inference may take, in seconds."
    )
    probe_interval_s: float = Field(
        default=2.0, gt=0, le=60, description="Seconds between two looks at the model server and its recipes."
    )
    golden_interval_s: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="Seconds after which a recipe judges its golden frames again; one that has none is tried with an "
        "even frame.",
    )
    golden_frames: Path | None = Field(
        default=None,
        description="Folder of the data sets, for golden frames whose pictures are not shipped; without it they are "
        "not checked.",
    )

    @model_validator(mode="after")
    def _onnxruntime_needs_a_folder(self) -> Self:
        if self.model_server == "onnxruntime" and self.model_repository is None:
            raise ValueError("DECISION_MODEL_REPOSITORY must name a folder when DECISION_MODEL_SERVER is onnxruntime")
        return self

"""Settings of the preprocessing service: environment variables `PREPROCESSING_...`."""

import os

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from flawgate_contracts.settings import GrpcServiceSettings, Port


class PreprocessingSettings(GrpcServiceSettings):
    """What the preprocessing service is told at its start."""

    model_config = SettingsConfigDict(env_prefix="PREPROCESSING_", frozen=True, extra="forbid")

    port: Port = Field(default=8082, description="Port of the gRPC server.")
    metrics_port: Port = Field(default=9082, description="Port of `/metrics`.")
    max_frame_bytes: int = Field(
        default=32 * 1024 * 1024, ge=1024, le=512 * 1024 * 1024, description="Longest encoded frame, in bytes."
    )
    max_frame_pixels: int = Field(
        default=50_000_000, ge=1, le=500_000_000, description="Most pixels (width × height) of a frame."
    )
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="Frames worked on at once."
    )

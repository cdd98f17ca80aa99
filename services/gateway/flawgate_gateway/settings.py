"""Settings of the gateway: environment variables `GATEWAY_...`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from flawgate_contracts.settings import Port, ServiceSettings


class GatewaySettings(ServiceSettings):
    """What the gateway is told at its start."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="forbid")

    port: Port = Field(default=8080, description="Port of the REST door.")
    metrics_port: Port = Field(default=9080, description="Port of `/metrics`.")
    preprocessing_target: str = Field(default="127.0.0.1:8082", description="Preprocessing's gRPC, `host:port`.")
    decision_target: str = Field(default="127.0.0.1:8083", description="Decision's gRPC address, `host:port`.")
    max_message_bytes: int = Field(
        default=160 * 1024 * 1024, ge=1024, le=1024**3, description="Longest gRPC message sent or taken, in bytes."
    )
    max_body_bytes: int = Field(
        default=33 * 1024 * 1024, ge=1024, le=1024**3, description="Longest body of a request, in bytes."
    )
    max_buffered_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1024, le=1024**4, description="Bytes of bodies held at once, all together."
    )
    max_frame_pixels: int = Field(
        default=50_000_000, ge=1, le=500_000_000, description="Most pixels of a frame that is drawn on."
    )
    max_in_progress: int = Field(
        default=32, ge=1, le=10_000, description="Inspections worked on at once; further ones are refused with 429."
    )
    deadline_s: float = Field(
        default=10.0, gt=0, le=600, description="Time for an inspection that states no `deadline_ms`, in seconds."
    )
    upload_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="Longest time that a request's body may take to come, in seconds."
    )
    recipe_ttl_s: float = Field(
        default=2.0, ge=0, le=60, description="Seconds for which the list of recipes is not asked for again."
    )
    store_max_inspections: int = Field(
        default=1_000, ge=1, le=1_000_000, description="Inspections kept for their mask and overlay."
    )
    store_max_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1024, le=1024**4, description="Memory for their frames and masks, in bytes."
    )

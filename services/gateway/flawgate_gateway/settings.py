"""Settings of the gateway: environment variables `GATEWAY_...`."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode, SettingsConfigDict

from flawgate_contracts.settings import CallingServiceSettings, Port, is_loopback
from flawgate_contracts.startup import StartupError
from flawgate_gateway.archive.retention import Retention
from flawgate_gateway.archive.terms import ArchiveTerms
from flawgate_gateway.frames import PlantId


class GatewaySettings(CallingServiceSettings):
    """What the gateway is told at its start."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="forbid")

    port: Port = Field(default=8080, description="Port of the REST door.")
    grpc_port: Port = Field(default=8081, description="Port of the gRPC door.")
    metrics_port: Port = Field(default=9080, description="Port of `/metrics`.")
    data_dir: Path = Field(
        default=Path("out/gateway"), description="Folder of the records and pictures that have no place of their own."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="`sqlite:///records.db` or `postgresql://user:password@host/name`; where none is given, a file of "
        "SQLite in the data folder.",
    )
    database_url_file: Path | None = Field(
        default=None, description="File that holds that URL, so that its password stands in no environment."
    )
    access_off_beyond_loopback: bool = Field(
        default=False, description="Let access be off although other machines reach the gateway."
    )
    access: Literal["keys", "off-for-development"] = Field(
        default="keys",
        description="`keys`: an API key comes with every request; `off-for-development`: whoever calls may do all.",
    )
    key_ttl_s: float = Field(
        default=2.0, ge=0, le=60, description="Seconds for which a key is good, at most, after it was revoked."
    )
    key_requests_per_s: float = Field(
        default=200.0,
        ge=0.001,
        le=1e6,
        description="Requests a second, on average, of a key that has no rate of its own; of each gateway.",
    )
    access_log_sample: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="Of so many requests at the REST door that went well one is logged; each one that failed or took a "
        "second is.",
    )
    idempotency_h: float = Field(
        default=24.0, ge=0.01, le=24 * 31, description="Hours for which an idempotency key is remembered."
    )
    sinks_file: Path | None = Field(
        default=None, description="TOML file of those to whom events are delivered (docs/events.md); nobody without it."
    )
    outbox_poll_s: float = Field(
        default=1.0, ge=0.02, le=60, description="Seconds between looks for events that another gateway wrote."
    )
    outbox_lease_s: float = Field(
        default=15.0,
        ge=0.5,
        le=600,
        description="Seconds after which another gateway delivers when one has gone; at least twice a sink's time-out.",
    )
    outbox_retention_days: float = Field(
        default=30.0, ge=0.01, le=3650, description="Days for which delivered events are kept, for replays."
    )
    preprocessing_target: str = Field(
        default="127.0.0.1:8082",
        description="Preprocessing's gRPC, `host:port`; where the host has several addresses, calls go round all of "
        "them, and so they do with a list: `ipv4:10.0.0.1:8082,10.0.0.2:8082`.",
    )
    decision_target: str = Field(default="127.0.0.1:8083", description="Decision's gRPC address, in the same form.")
    canary_decision: str | None = Field(
        default=None,
        min_length=1,
        description="gRPC address, `host:port`, of a second decision that judges a share of the frames; what it cannot "
        "judge the first one does (docs/canary.md).",
    )
    canary_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the frames that the canary judges, 0 to 1; at 0 only those whose requests name it.",
    )
    canary_timeout_s: float = Field(
        default=2.0,
        ge=0.05,
        le=60,
        description="Longest time that the canary may take for a frame, in seconds, and never more than half of what "
        "is left of its deadline.",
    )
    shadow_decision: str | None = Field(
        default=None,
        min_length=1,
        description="gRPC address, `host:port`, of a second decision whose answers are compared with those given, and "
        "never used.",
    )
    shadow_share: float = Field(
        default=1.0, ge=0, le=1, description="Share of the frames that are compared with the shadow's answers, 0 to 1."
    )
    shadow_max_frames: int = Field(
        default=4, ge=1, le=1_000, description="Frames compared at once; further ones are not compared."
    )
    shadow_max_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1024, le=1024**4, description="Bytes of these frames, as they came."
    )
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
    max_in_progress: int = Field(default=16, ge=1, le=10_000, description="Inspections worked on at once.")
    max_waiting: int = Field(
        default=32,
        ge=1,
        le=100_000,
        description="Inspections of one recipe that wait for their turn; further ones are refused with 429.",
    )
    deadline_s: float = Field(
        default=10.0, gt=0, le=600, description="Time for an inspection that states no `deadline_ms`, in seconds."
    )
    upload_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="Longest time that a request's body may take to come, in seconds."
    )
    max_deadline_s: float = Field(
        default=600.0, gt=0, le=3600, description="Longest time that a gRPC call may take, in seconds."
    )
    batch_max_items: int = Field(default=64, ge=1, le=1_000, description="Most frames of one batch.")
    batch_concurrency: int = Field(
        default=4, ge=1, le=1_000, description="Frames of one batch that are worked on at once."
    )
    max_streams: int = Field(
        default=200, ge=1, le=10_000, description="Streams of cameras open at once; further ones are refused."
    )
    stream_credits: int = Field(
        default=4, ge=1, le=64, description="Frames of one stream that are on their way at once."
    )
    max_streamed_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=1024,
        le=1024**4,
        description="Bytes of streams' frames held at once; from there on each stream may hold one frame.",
    )
    max_viewers: int = Field(
        default=64, ge=0, le=10_000, description="Viewers of stations' events at once; further ones are refused."
    )
    triton_http_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^(https?://[^/?#@\s]+)?$",
        description="Triton's HTTP port, to which `/v2` is passed through; empty where there is none.",
    )
    triton_timeout_s: float = Field(
        default=60.0, gt=0, le=600, description="Longest time for a request under `/v2`, in seconds."
    )
    triton_max_in_progress: int = Field(
        default=16, ge=1, le=10_000, description="Requests under `/v2` passed through at once; of more, 429."
    )
    archive_url: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="Where pictures are kept: a folder, or `s3://bucket/prefix` (keys and endpoint from `AWS_...`); "
        "where none is given, `pictures` in the data folder.",
    )
    archive_timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="Longest time for reading or writing a picture there, in seconds."
    )
    archive_workers: int = Field(default=8, ge=1, le=64, description="Pictures read or written at once.")
    archive_max_bytes: int = Field(
        default=100 * 1024**3,
        ge=1024,
        le=1024**5,
        description="From so many bytes on no pictures of good parts are kept, and the oldest of them go.",
    )
    keep_ok_one_in: int = Field(
        default=1, ge=0, le=1_000_000, description="Of so many good parts the pictures of one are kept; 0: of none."
    )
    keep_ok_days: float = Field(default=30.0, gt=0, le=36_500, description="Days for pictures of OK parts.")
    keep_not_ok_days: float = Field(default=365.0, gt=0, le=36_500, description="Days for pictures of NOT_OK parts.")
    keep_not_decidable_days: float = Field(
        default=365.0, gt=0, le=36_500, description="Days for pictures of NOT_DECIDABLE parts."
    )
    purge_interval_s: float = Field(
        default=600.0, ge=1, le=86_400, description="Seconds between looks for pictures whose time is over."
    )
    recipe_ttl_s: float = Field(
        default=2.0, ge=0, le=60, description="Seconds for which the list of recipes is not asked for again."
    )
    policy_ttl_s: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="Seconds after which a policy that another gateway activated is seen at the latest.",
    )
    stations: Annotated[tuple[PlantId, ...], NoDecode] = Field(
        default=(),
        max_length=256,
        description="Names of stations, comma separated, that are counted each by itself in metrics, all others as "
        "`other`; where none are named, the first 64 that are seen, so that whoever may inspect can take their places.",
    )

    @field_validator("stations", mode="before")
    @classmethod
    def _comma_separated(cls, value: Any) -> Any:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("canary_share")
    @classmethod
    def _share_of_something(cls, value: float, info: ValidationInfo) -> float:
        if value > 0 and info.data.get("canary_decision") is None:
            raise PydanticCustomError(
                "no_canary", "there is no canary that could get a share: give GATEWAY_CANARY_DECISION too"
            )
        return value

    @field_validator("access")
    @classmethod
    def _off_on_loopback_alone(cls, value: str, info: ValidationInfo) -> str:
        host, allowed = info.data.get("host", ""), info.data.get("access_off_beyond_loopback", False)
        if value != "keys" and not allowed and not is_loopback(host):
            raise PydanticCustomError(
                "access_off",
                "with access off, only this machine may reach the gateway, but it listens on {host}; ask for keys "
                "(GATEWAY_ACCESS=keys), or set GATEWAY_ACCESS_OFF_BEYOND_LOOPBACK=true",
                {"host": host},
            )
        return value

    def archive_terms(self) -> ArchiveTerms:
        """Where pictures are kept, and which."""
        return ArchiveTerms(
            url=self.archive_url or str(self.data_dir.resolve() / "pictures"),
            timeout_s=self.archive_timeout_s,
            workers=self.archive_workers,
            retention=Retention(
                self.keep_ok_one_in, self.keep_ok_days, self.keep_not_ok_days, self.keep_not_decidable_days
            ),
            max_bytes=self.archive_max_bytes,
            purge_interval_s=self.purge_interval_s,
        )

    def records_url(self) -> str:
        """Where the records are.

        Raises:
            StartupError: the file that is to hold the URL cannot be read.
        """
        if self.database_url_file is not None:
            try:
                return self.database_url_file.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as err:
                raise StartupError(f"{self.database_url_file}, which is to hold the URL, cannot be read.") from err
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.resolve() / 'records.db'}"

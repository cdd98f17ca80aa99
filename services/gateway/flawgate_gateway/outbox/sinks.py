"""Who gets events: the sinks, configured by one TOML file."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.settings import is_loopback
from flawgate_gateway.outbox.drafts import EVENT_TYPES

SinkName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""1 to 63 characters of a–z, 0–9, `_` and `-`, the first a letter."""

STANDARD_WEBHOOKS_DELAYS_S = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Waits after the first, second, ... refusal, in seconds (Standard Webhooks, "Deliverability and reliability")."""

Delay = Annotated[float, Field(ge=0, le=30 * 86_400)]


class _Sink(BaseModel):
    """What every kind of sink is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: SinkName = Field(description="Stands in the database, in metrics and in commands: do not rename a sink.")
    types: tuple[str, ...] = Field(default=EVENT_TYPES, min_length=1, description="Types of events that it gets.")
    timeout_s: float = Field(default=15.0, gt=0, le=30, description="Longest time of one delivery, in seconds.")
    max_in_flight: int = Field(default=8, ge=1, le=256, description="Streams that are delivered at once.")
    retry_delays_s: tuple[Delay, ...] = Field(
        default=STANDARD_WEBHOOKS_DELAYS_S,
        max_length=100,
        description="Waits after an event's first, second, ... refusal, in seconds; after the last it is dead.",
    )
    unreachable_delay_s: Delay = Field(
        default=60.0, description="Longest wait between tries of a sink that cannot be reached, in seconds."
    )
    ca_file: Path | None = Field(default=None, description="Certificates (PEM) to trust instead of the system's.")
    client_cert_file: Path | None = Field(default=None, description="Certificate (PEM) to show to the sink.")
    client_key_file: Path | None = Field(default=None, description="Its private key (PEM).")

    @field_validator("types")
    @classmethod
    def _known_types(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in types if name not in EVENT_TYPES]
        if unknown:
            raise ValueError(f"there is no event type {unknown[0]!r}; there are {', '.join(EVENT_TYPES)}")
        return types

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.client_cert_file is None) != (self.client_key_file is None):
            raise ValueError("client_cert_file and client_key_file go together: give both, or none")
        return self


class WebhookSink(_Sink):
    """An HTTPS endpoint that takes signed CloudEvents."""

    kind: Literal["webhook"]
    url: str = Field(max_length=2048, description="`https://...`; no user or password in it.")
    secret_files: tuple[Path, ...] = Field(
        min_length=1, max_length=4, description="Files with a signing secret each, `whsec_...`; several while rotating."
    )
    allow_http: bool = Field(default=False, description="Take `http://` to another machine too: nothing is encrypted.")
    allow_link_local: bool = Field(
        default=False, description="Take link-local addresses too, where clouds keep credentials of their machines."
    )

    @model_validator(mode="after")
    def _usable_url(self) -> Self:
        parts = _split(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the url must be https://host/path")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("the url must hold no user, no password and no fragment")
        if parts.scheme == "http" and not (self.allow_http or is_loopback(parts.hostname)):
            raise ValueError("the url must be https://, unless it is of this machine or allow_http = true is said")
        return self


class MqttSink(_Sink):
    """An MQTT 5 broker."""

    kind: Literal["mqtt"]
    host: str = Field(min_length=1, max_length=253)
    port: int | None = Field(default=None, ge=1, le=65_535, description="8883 with TLS and 1883 without, unless given.")
    tls: bool = Field(default=True, description="Speak TLS; without it, to this machine or with `allow_plain` alone.")
    allow_plain: bool = Field(default=False, description="Take another machine without TLS: nothing is encrypted.")
    username: str | None = Field(default=None, min_length=1, max_length=256)
    password_file: Path | None = None
    client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="`flawgate-NAME` unless given; must be one of its own where several clusters share a broker.",
    )
    topic_prefix: str = Field(
        default="v1", pattern=r"^[^+#$\x00-\x1f\x7f/][^+#\x00-\x1f\x7f]{0,127}$", description="First levels of topics."
    )
    expiry_s: int = Field(
        default=86_400, ge=1, le=2**31, description="Seconds for which the broker keeps a message for who is away."
    )
    keepalive_s: int = Field(default=30, ge=5, le=3600, description="Seconds without a word until a ping.")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not (self.tls or self.allow_plain or is_loopback(self.host)):
            raise ValueError("tls must be true, unless the host is this machine or allow_plain = true is said")
        if self.password_file is not None and self.username is None:
            raise ValueError("a password_file needs a username")
        return self

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port or (8883 if self.tls else 1883)

    @property
    def effective_client_id(self) -> str:
        """The identifier under which the broker knows the gateway that delivers."""
        return self.client_id or f"flawgate-{self.name}"


Sink = Annotated[WebhookSink | MqttSink, Field(discriminator="kind")]


class Sinks(BaseModel):
    """All sinks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sinks: tuple[Sink, ...] = ()

    @field_validator("sinks")
    @classmethod
    def _unique(cls, sinks: tuple[WebhookSink | MqttSink, ...]) -> tuple[WebhookSink | MqttSink, ...]:
        names = [sink.name for sink in sinks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sinks have the name {twice[0]!r}; each needs one of its own")
        return sinks

    def takers(self, event_type: str) -> tuple[str, ...]:
        """Names of the sinks that get events of a type."""
        return tuple(sink.name for sink in self.sinks if event_type in sink.types)


def load_sinks(path: Path | None) -> Sinks:
    """Read the file of sinks; none where there is no file.

    Raises:
        InvalidParameter: it cannot be read, is no TOML, or says something that cannot be; the sentence says where.
    """
    if path is None:
        return Sinks()
    try:
        return Sinks.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as err:
        raise _wrong(path, f"cannot be read: {err.strerror or err}") from err
    except UnicodeDecodeError as err:
        raise _wrong(path, "is no text in UTF-8") from err
    except tomllib.TOMLDecodeError as err:
        raise _wrong(path, f"is no TOML: {err}") from err
    except ValidationError as err:
        raise _wrong(path, f"says something that cannot be: {_first_fault(err)}") from err


def read_secret(sink: str, path: Path) -> str:
    """The first line of a file that holds a secret.

    Raises:
        InvalidParameter: it cannot be read, or is empty.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise _unusable(sink, path, "cannot be read") from err
    if not secret:
        raise _unusable(sink, path, "is empty")
    return secret


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError where it is no number
    return parts


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False)[0]
    return f"{_place(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"


def _place(location: Sequence[int | str]) -> str:
    """`sinks[0].url` of ("sinks", 0, "webhook", "url")."""
    parts = [part for part in location if part not in ("webhook", "mqtt")]
    named = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return named.removeprefix(".") or "the file"


def _wrong(path: Path, what: str) -> InvalidParameter:
    return InvalidParameter(f"The file of sinks {path} {what}.", {"field": "sinks_file"})


def _unusable(sink: str, path: Path, what: str) -> InvalidParameter:
    return InvalidParameter(f"The file {path}, named by the sink {sink!r}, {what}.", {"field": "sinks_file"})

"""The settings that every service shares. Each service adds its own prefix and fields."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

from flawgate_contracts.logs import LogLevel
from flawgate_contracts.tls.files import TlsFiles

Port = Annotated[int, Field(ge=0, le=65_535)]
"""A TCP port; 0 takes a free one."""


LOCALHOST = "localhost"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == LOCALHOST or ip_address(host).is_loopback
    except ValueError:
        return False


class ServiceSettings(BaseSettings):
    """What every service needs to serve."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback unless told otherwise.")
    log_level: LogLevel = Field(default="info", description="Log lines below this level are dropped.")
    drain_s: float = Field(
        default=0.0,
        ge=0,
        le=120,
        description="Seconds between saying NOT_SERVING and refusing calls, so that balancers notice.",
    )
    grace_s: float = Field(
        default=10.0, ge=0, le=120, description="Seconds that running calls get to finish when the service stops."
    )


class GrpcServiceSettings(ServiceSettings):
    """What a gRPC service needs to serve."""

    reflection: bool = Field(default=False, description="Tell callers of the protos (gRPC server reflection).")
    max_message_bytes: int = Field(
        default=160 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        description="Longest message taken or sent, in bytes; 50 megapixels of RGB fit in the default.",
    )
    max_deadline_s: float = Field(
        default=60.0, gt=0, le=3600, description="Longest time that a unary call may take, in seconds."
    )
    max_concurrent_calls: int = Field(
        default=64, ge=1, le=10_000, description="Calls worked on at once; further ones are refused."
    )
    tls_certificate_file: Path | None = Field(
        default=None, description="PEM file of the certificate (and those between it and its root) that callers see."
    )
    tls_key_file: Path | None = Field(
        default=None,
        validate_default=True,
        description="PEM file of the certificate's private key, without a password.",
    )
    tls_client_ca_file: Path | None = Field(
        default=None, description="PEM file of roots; only clients with a certificate of one of them are served (mTLS)."
    )

    @field_validator("tls_key_file", "upstream_tls_key_file", check_fields=False)
    @classmethod
    def _certificate_and_key(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        certificate = str(info.field_name).replace("_key_", "_certificate_")
        if (value is None) != (info.data.get(certificate) is None):
            raise PydanticCustomError(
                "tls_half",
                "a certificate and its key go together: give {certificate} too, or neither",
                {"certificate": cls._variable(certificate)},
            )
        return value

    @field_validator("tls_client_ca_file")
    @classmethod
    def _clients_by_tls_alone(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        certificate = "tls_certificate_file"
        if value is not None and info.data.get(certificate) is None:
            raise PydanticCustomError(
                "tls_half",
                "clients have no certificates without {certificate}",
                {"certificate": cls._variable(certificate)},
            )
        return value

    @classmethod
    def _variable(cls, field: str) -> str:
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    def tls_files(self) -> TlsFiles | None:
        """What callers see; None where there is no TLS."""
        if self.tls_certificate_file is None:
            return None
        return TlsFiles(self.tls_certificate_file, self.tls_key_file, self.tls_client_ca_file)

    def all_tls_files(self) -> dict[str, TlsFiles]:
        """All that are named, by what their settings begin with."""
        files = self.tls_files()
        return {} if files is None else {"tls": files}


class CallingServiceSettings(GrpcServiceSettings):
    """What a gRPC service needs to serve, and to call others."""

    upstream_tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file of roots of the certificates of the servers that are called; without it they are called "
        "without TLS.",
    )
    upstream_tls_certificate_file: Path | None = Field(
        default=None,
        description="PEM file of the certificate (and those between it and its root) that is shown to them (mTLS).",
    )
    upstream_tls_key_file: Path | None = Field(
        default=None,
        validate_default=True,
        description="PEM file of that certificate's private key, without a password.",
    )

    @field_validator("upstream_tls_certificate_file")
    @classmethod
    def _shown_by_tls_alone(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        ca = "upstream_tls_ca_file"
        if value is not None and info.data.get(ca) is None:
            raise PydanticCustomError(
                "tls_half", "without {ca} there is no TLS to show it in: give that too", {"ca": cls._variable(ca)}
            )
        return value

    def upstream_tls_files(self) -> TlsFiles | None:
        """What is trusted and shown when others are called; None where that is without TLS."""
        if self.upstream_tls_ca_file is None:
            return None
        return TlsFiles(self.upstream_tls_certificate_file, self.upstream_tls_key_file, self.upstream_tls_ca_file)

    def all_tls_files(self) -> dict[str, TlsFiles]:
        """All that are named, by what their settings begin with."""
        files = self.upstream_tls_files()
        return super().all_tls_files() | ({} if files is None else {"upstream_tls": files})

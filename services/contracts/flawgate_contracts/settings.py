"""The settings that every service shares. Each service adds its own prefix and fields."""

from ipaddress import ip_address
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from flawgate_contracts.logs import LogLevel

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

"""`[gateway]`: where frames go."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from flawgate_camera.config.base import Table

_TARGET = re.compile(r"[^\s/]+:\d{1,5}")


def _check_target(target: str) -> str:
    if not _TARGET.fullmatch(target):
        raise ValueError("write host and port of the gRPC door, such as 192.168.0.2:8081, and nothing in front of them")
    return target


class Gateway(Table):
    """The gateway's gRPC door."""

    target: Annotated[str, AfterValidator(_check_target)] = Field(
        default="127.0.0.1:8081", description="Host and port."
    )
    tls: bool = Field(default=False, description="Encrypted; implied by ca_file.")
    ca_file: Path | None = Field(default=None, description="Who is believed, PEM; the system's if absent.")
    tls_name: str | None = Field(default=None, description="Name in its certificate, if not the host of `target`.")
    certificate_file: Path | None = Field(default=None, description="The agent's own certificate, PEM.")
    private_key_file: Path | None = Field(default=None, description="Its private key, PEM.")
    key_file: Path | None = Field(default=None, description="First line: an API key with the scope `inspect`.")

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls or self.ca_file is not None

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.certificate_file is None) != (self.private_key_file is None):
            raise ValueError("certificate_file and private_key_file go together: give both or neither")
        if self.certificate_file is not None and not self.encrypted:
            raise ValueError("a certificate needs TLS: write tls = true or a ca_file")
        return self

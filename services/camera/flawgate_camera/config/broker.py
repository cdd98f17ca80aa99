"""An MQTT broker, wherever one is named."""

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from flawgate_camera.config.base import Table, TcpPort
from flawgate_contracts.errors import InvalidParameter

MQTT_PORT, MQTTS_PORT = 1883, 8883
MOST_TOPIC_BYTES = 65_535


def _check_topic(topic: str) -> str:
    if not 1 <= len(topic.encode()) <= MOST_TOPIC_BYTES or any(sign in topic for sign in "+#\0"):
        raise ValueError("write one topic of 1 to 65535 bytes, without the wildcards + and #")
    return topic


Topic = Annotated[str, AfterValidator(_check_topic)]
"""One topic, to publish to or to listen to."""


class Broker(Table):
    """Where it is, and how one gets in."""

    host: str = Field(min_length=1, max_length=253, description="Name or address.")
    port: TcpPort | None = Field(default=None, description="1883 where absent, 8883 with TLS.")
    username: str | None = Field(default=None, min_length=1, max_length=128)
    password_file: Path | None = Field(default=None, description="First line: the password; read at each connect.")
    tls: bool = Field(default=False, description="Encrypted; implied by ca_file.")
    ca_file: Path | None = Field(default=None, description="Who is believed, PEM; the system's if absent.")

    @model_validator(mode="after")
    def _password_with_name(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("a password_file needs a username: give both or neither")
        return self

    @property
    def effective_port(self) -> int:
        """The one written, or that of the protocol."""
        return self.port or (MQTTS_PORT if self.encrypted else MQTT_PORT)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls or self.ca_file is not None

    def password(self) -> str | None:
        """From its file; None where there is none.

        Raises:
            InvalidParameter: the file cannot be read.
        """
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as err:
            why = err.strerror if isinstance(err, OSError) else "it is no text in UTF-8"
            raise InvalidParameter(f"The password file {self.password_file} cannot be read: {why}.") from None

    def tls_context(self) -> ssl.SSLContext | None:
        """What TLS needs; None without.

        Raises:
            InvalidParameter: the ca_file cannot be used.
        """
        if not self.encrypted:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as err:
            why = err.strerror or type(err).__name__
            raise InvalidParameter(f"The ca_file {self.ca_file} cannot be used: {why}; write PEM there.") from None

"""What delivery needs of a sink, whatever its kind."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.outbox.sinks import MqttSink, WebhookSink


class Verdict(StrEnum):
    """What came of one try."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The sink did not take this event; another try may do."""
    GONE = "gone"
    """The sink will never take it."""
    UNREACHABLE = "unreachable"
    """The sink takes nothing just now; that is no fault of the event."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sink said to one try."""

    verdict: Verdict
    detail: str = ""
    """Why, in words without secrets: no header, no body, no URL."""
    retry_after_s: float | None = None
    """How long the sink asks to be left alone, in seconds."""


TAKEN = Answer(Verdict.DELIVERED)


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way."""

    id: str
    """Of the event; the same for every try and every sink."""
    type: str
    body: str
    """The CloudEvent as JSON."""
    event: Mapping[str, Any]
    """The same, parsed."""


class Sender(Protocol):
    """Brings events to one sink. Its methods never raise for what a sink does or fails to do."""

    async def __aenter__(self) -> Self:
        """Begin; does not wait for the sink."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close what is open."""
        ...

    async def send(self, message: Message) -> Answer:
        """Try once, within the sink's time-out."""
        ...


def tls_context(sink: WebhookSink | MqttSink) -> ssl.SSLContext:
    """TLS 1.2 or newer, the sink's certificate and name checked.

    Raises:
        InvalidParameter: a file that the sink names cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=None if sink.ca_file is None else str(sink.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if sink.client_cert_file is not None:
            context.load_cert_chain(sink.client_cert_file, sink.client_key_file, password=_no_passphrase)
    except (OSError, ssl.SSLError, ValueError) as err:
        raise InvalidParameter(
            f"The sink {sink.name!r} names a certificate or key that cannot be used; give readable PEM files, the key "
            "without a passphrase.",
            {"field": "sinks_file"},
        ) from err
    return context


def _no_passphrase() -> str:
    """OpenSSL would ask on the terminal, and wait."""
    raise ValueError("the key has a passphrase")

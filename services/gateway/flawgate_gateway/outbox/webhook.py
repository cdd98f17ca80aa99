"""Webhooks: CloudEvents over HTTPS, signed by Standard Webhooks.

The structured mode of CloudEvents is used: Standard Webhooks signs the body, and only there does the body hold all of
the event; in the binary mode its source, its sequence and its type would be headers that nobody vouches for.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from typing import Self

import aiohttp
from standardwebhooks import Webhook
from yarl import URL

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.outbox.addresses import AddressRefused, Guard, is_shorthand
from flawgate_gateway.outbox.sending import TAKEN, Answer, Message, Verdict, tls_context
from flawgate_gateway.outbox.sinks import WebhookSink, read_secret

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
MAX_ANSWER_BYTES = 64 * 1024
"""Of an answer, this much is read so that the connection can be used again; a longer one is cut."""
MAX_CONNECT_S = 5.0
"""Longest wait for a name to be looked up, and for an address to take a connection, in seconds."""
CONNECT_SHARE = 0.75
"""Of a sink's time-out: what finding a connection may take of it in all, so that it is known whether there was one."""
KEEP_ALIVE_S = 5.0
"""How long a connection is kept for the next event, in seconds; many servers close theirs about then."""
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
"""Of a signing secret (Standard Webhooks)."""

_GONE = 410
_BUSY = frozenset({429, 502, 503, 504})
"""Statuses that tell of the sink, or of what stands before it, and not of the event."""


class WebhookSender:
    """Posts to one URL."""

    def __init__(self, sink: WebhookSink) -> None:
        """A sender.

        Raises:
            InvalidParameter: the sink's url, or a file that it names, cannot be used.
        """
        self._sink = sink
        self._url = _target(sink)
        self._signers = [_signer(sink.name, read_secret(sink.name, path)) for path in sink.secret_files]
        self._tls = tls_context(sink)
        self._connect_s = min(MAX_CONNECT_S, sink.timeout_s / 2)
        self._agent = f"flawgate/{version('flawgate-gateway')}"

    async def __aenter__(self) -> Self:
        """See `Sender`."""
        self._session = aiohttp.ClientSession(
            connector=self._connector(),
            timeout=aiohttp.ClientTimeout(connect=CONNECT_SHARE * self._sink.timeout_s, sock_connect=self._connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """See `Sender`."""
        await self._session.close()

    async def send(self, message: Message) -> Answer:
        """See `Sender`."""
        try:
            async with asyncio.timeout(self._sink.timeout_s):
                return await self._post(message)
        except AddressRefused as err:
            return Answer(Verdict.UNREACHABLE, str(err))
        except aiohttp.ClientConnectorDNSError:
            return Answer(Verdict.UNREACHABLE, "its name cannot be looked up")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
            return Answer(Verdict.UNREACHABLE, f"cannot be reached ({type(err.__cause__ or err).__name__})")
        except TimeoutError:
            return Answer(Verdict.REFUSED, "gave no answer in time")
        except aiohttp.ClientError as err:
            return Answer(Verdict.REFUSED, _broken(err))

    def _connector(self) -> aiohttp.TCPConnector:
        guard = Guard(allow_link_local=self._sink.allow_link_local, timeout_s=self._connect_s)
        return aiohttp.TCPConnector(
            resolver=guard,
            socket_factory=guard.open_socket,
            use_dns_cache=False,
            ssl=self._tls,
            limit=self._sink.max_in_flight,
            keepalive_timeout=KEEP_ALIVE_S,
        )

    async def _post(self, message: Message) -> Answer:
        exchange = self._session.post(
            self._url, data=message.body.encode(), headers=self._signed(message), allow_redirects=False
        )
        async with exchange as response:
            await _drain(response.content)
            return _judged(response.status, response.headers)

    def _signed(self, message: Message) -> dict[str, str]:
        """The headers of Standard Webhooks: a signature by each secret."""
        now = datetime.now(UTC)
        signatures = (signer.sign(message.id, now, message.body) for signer in self._signers)
        return {
            "content-type": CONTENT_TYPE,
            "user-agent": self._agent,
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def _target(sink: WebhookSink) -> URL:
    try:
        url = URL(sink.url)
    except ValueError as err:
        raise _no_target(sink.name) from err
    if not url.raw_host or is_shorthand(url.raw_host):
        raise _no_target(sink.name)
    return url


def _no_target(sink: str) -> InvalidParameter:
    return InvalidParameter(
        f"The url of the sink {sink!r} leads nowhere; write https://host/path, the host a name or a whole IP address.",
        {"field": "sinks_file"},
    )


def _signer(sink: str, secret: str) -> Webhook:
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as err:
        raise _weak(sink) from err
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise _weak(sink)
    return Webhook(key)


def _weak(sink: str) -> InvalidParameter:
    return InvalidParameter(
        f"A signing secret of the sink {sink!r} is not `whsec_` and the base64 of {MIN_SECRET_BYTES} to "
        f"{MAX_SECRET_BYTES} random bytes; make one with `openssl rand -base64 32`.",
        {"field": "sinks_file"},
    )


def _broken(err: aiohttp.ClientError) -> str:
    if isinstance(err, aiohttp.ClientResponseError):
        return "its answer is no proper HTTP; see whether it sends a body with a 204, or else two lengths"
    return f"the exchange broke off ({type(err).__name__})"


async def _drain(content: aiohttp.StreamReader) -> None:
    read = 0
    async for part in content.iter_any():
        read += len(part)
        if read > MAX_ANSWER_BYTES:
            return


def _judged(status: int, headers: Mapping[str, str]) -> Answer:
    if 200 <= status < 300:
        return TAKEN
    detail = f"answered {status}"
    if status == _GONE:
        return Answer(Verdict.GONE, detail)
    if 300 <= status < 400:
        return Answer(Verdict.REFUSED, f"{detail}: redirects are not followed, name the new place as the sink's url")
    verdict = Verdict.UNREACHABLE if status in _BUSY else Verdict.REFUSED
    return Answer(verdict, detail, _retry_after_s(headers.get("retry-after")))


def _retry_after_s(value: str | None) -> float | None:
    """Seconds, from a number of them or a date (RFC 9110, section 10.2.3); None where it says nothing."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())

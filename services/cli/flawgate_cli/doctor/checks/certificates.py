"""The certificate that a gateway shows."""

import socket
import ssl
from collections.abc import Iterator, Sequence

import httpx

from flawgate_cli.doctor.scope import ASK_S, Scope
from flawgate_contracts.checkup.certificates import judged, now_utc, validity
from flawgate_contracts.checkup.findings import Check, Finding, skipped


def checks(scope: Scope) -> Sequence[Check]:
    """Of the gateway's TLS."""
    return (Check("certificates", "shown", lambda: _look(scope)),)


def _look(scope: Scope) -> Iterator[Finding]:
    url = httpx.URL(scope.gateway)
    if url.scheme != "https":
        yield skipped(f"{scope.gateway} speaks HTTP without TLS.")
        return
    try:
        der = shown(url.host, url.port or 443)
    except OSError:
        yield skipped(f"Nobody shows a certificate at {url.host}:{url.port or 443} (see gateway).")
        return
    yield judged(validity(der), what=f"The certificate of {url.host}", now=now_utc())


def shown(host: str, port: int) -> bytes:
    """The certificate that a server shows, as DER, whoever vouches for it.

    Raises:
        OSError: nobody answers there, or not with TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # What is read here is an expiry date; whether it is trusted is found out where the gateway is asked.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), ASK_S) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""

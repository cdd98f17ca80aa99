"""For how long a certificate is good: read from its DER form (RFC 5280, 4.1), as the standard library gives it.

Python's `ssl` decodes a certificate of its peer only after it has verified it, and so never one that has expired.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flawgate_contracts.checkup.findings import Finding, error, ok, warning

SOON = timedelta(days=30)

_SEQUENCE, _UTC_TIME, _VERSION = 0x30, 0x17, 0xA0
_END = "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Validity:
    """When a certificate is good, both ends included, UTC."""

    begins: datetime
    ends: datetime


def validity(der: bytes) -> Validity:
    """For how long a certificate is good.

    Args:
        der: an X.509 certificate.

    Raises:
        ValueError: it is none.
    """
    try:
        rest = _content(_content(der))
        if rest[0] == _VERSION:
            rest = _after(rest)
        for _ in ("serial number", "signature", "issuer"):
            rest = _after(rest)
        first = _content(rest)
        return Validity(_moment(first), _moment(_after(first)))
    except IndexError as err:
        raise ValueError("This is no X.509 certificate.") from err


def in_pem(text: str) -> list[bytes]:
    """The certificates of a PEM file, as DER, in their order."""
    blocks = text.split(_END)[:-1]
    return [ssl.PEM_cert_to_DER_cert(block[block.rindex("-----BEGIN") :] + _END) for block in blocks]


def judged(known: Validity, *, what: str, now: datetime, subject: str = "") -> Finding:
    """Whether a certificate is good now, and for a while.

    Args:
        known: of the certificate.
        what: names it at the beginning of a sentence.
        now: UTC.
        subject: of the finding.
    """
    left = known.ends - now
    renew = "Renew it: put the new one where the old one is."
    if now < known.begins:
        advice = "Set this machine's clock, or wait."
        return error(f"{what} is good from {known.begins:%Y-%m-%d %H:%M} UTC on only.", advice, subject=subject)
    if left <= timedelta(0):
        return error(f"{what} expired at {known.ends:%Y-%m-%d %H:%M} UTC.", renew, subject=subject)
    until = f"{what} is good until {known.ends:%Y-%m-%d %H:%M} UTC ({_span(left)})"
    if left < SOON:
        return warning(f"{until}.", renew, subject=subject)
    return ok(f"{until}.", subject=subject)


def now_utc() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def _span(left: timedelta) -> str:
    return f"{left.days} days" if left.days > 1 else f"{left.total_seconds() / 3600:.0f} hours"


def _bounds(data: bytes) -> tuple[int, int]:
    """Where the content of the first element begins and ends."""
    if data[1] < 0x80:
        return 2, 2 + data[1]
    count = data[1] & 0x7F
    begin = 2 + count
    return begin, begin + int.from_bytes(data[2:begin])


def _content(data: bytes) -> bytes:
    if data[0] != _SEQUENCE:
        raise ValueError("This is no X.509 certificate.")
    begin, end = _bounds(data)
    return data[begin:end]


def _after(data: bytes) -> bytes:
    return data[_bounds(data)[1] :]


def _moment(data: bytes) -> datetime:
    begin, end = _bounds(data)
    digits = data[begin:end].decode("ascii")
    if data[0] == _UTC_TIME:
        # Two digits of the year: 50 to 99 are of the last century (RFC 5280, 4.1.2.5.1).
        digits = f"{'19' if digits >= '50' else '20'}{digits}"
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)

"""Page tokens: the place of the last record seen, bound to its query. Opaque to callers.

A token holds no secret and needs none: whoever forges one learns nothing that the query would not show. Its checksum
is there so that a token of another query, or a mangled one, is refused and does not answer with the wrong records.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from uuid import UUID

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.records.filters import InspectionFilter, Order

_VERSION = 1
_LAYOUT = struct.Struct(">Bq16s")
_CHECKSUM_BYTES = 12
_FILTER = set(InspectionFilter.model_fields)
"""What a token is bound to: a door's own model of a query may have more."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of records."""

    decided_at_us: int
    id: str
    """UUID."""


def to_token(position: Position, wanted: InspectionFilter, order: Order) -> str:
    """The token with which this query goes on after a record; URL-safe, 50 characters."""
    place = _LAYOUT.pack(_VERSION, position.decided_at_us, UUID(position.id).bytes)
    return base64.urlsafe_b64encode(place + _checksum(place, wanted, order)).rstrip(b"=").decode()


def from_token(token: str, wanted: InspectionFilter, order: Order) -> Position:
    """The place to go on after.

    Raises:
        InvalidParameter: it is no token of ours, or one of another query.
    """
    raw = _decoded(token)
    place, checksum = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if len(place) < _LAYOUT.size or checksum != _checksum(place, wanted, order):
        raise InvalidParameter(
            "The page token is none of this query: send `next_page_token` as it came, with the same filter and order, "
            "or start again without a token.",
            {"field": "page_token"},
        )
    _, decided_at_us, identity = _LAYOUT.unpack(place)
    return Position(decided_at_us, str(UUID(bytes=identity)))


def _decoded(token: str) -> bytes:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _checksum(place: bytes, wanted: InspectionFilter, order: Order) -> bytes:
    asked = f"{order}{wanted.model_dump_json(include=_FILTER, exclude_defaults=True)}".encode()
    return hashlib.blake2b(place + asked, digest_size=_CHECKSUM_BYTES).digest()

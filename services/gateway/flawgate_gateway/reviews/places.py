"""Page tokens of the queue: the place of the last record seen, bound to its query. Opaque to callers."""

import base64
import binascii
import hashlib
import struct
from typing import NamedTuple
from uuid import UUID

from flawgate_contracts.errors import InvalidParameter

_LAYOUT = struct.Struct(">Bdq16s")
_VERSION = 1
_CHECKSUM_BYTES = 12


class Place(NamedTuple):
    """A place in the queue."""

    distance: float
    """Of the score from its threshold, 0 to 1; 0 where the queue is in the order of time."""
    decided_at_us: int
    id: str


def to_token(place: Place, query: str) -> str:
    """The token with which a query goes on after a record; URL-safe.

    Args:
        place: of the record.
        query: all else that was asked for, as text.
    """
    packed = _LAYOUT.pack(_VERSION, place.distance, place.decided_at_us, UUID(place.id).bytes)
    return base64.urlsafe_b64encode(packed + _checksum(packed, query)).rstrip(b"=").decode()


def from_token(token: str, query: str) -> Place:
    """The place to go on after.

    Raises:
        InvalidParameter: it is no token of this query.
    """
    raw = _decoded(token)
    packed = raw[: _LAYOUT.size]
    if len(packed) < _LAYOUT.size or raw[_LAYOUT.size :] != _checksum(packed, query):
        raise InvalidParameter(
            "The page token is none of this query: send `next_page_token` as it came, with the same query, or start "
            "again without a token.",
            {"field": "page_token"},
        )
    _, distance, decided_at_us, identity = _LAYOUT.unpack(packed)
    return Place(distance, decided_at_us, str(UUID(bytes=identity)))


def _decoded(token: str) -> bytes:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _checksum(packed: bytes, query: str) -> bytes:
    return hashlib.blake2b(packed + query.encode(), digest_size=_CHECKSUM_BYTES).digest()

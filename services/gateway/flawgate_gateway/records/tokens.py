"""Page tokens: a place in a list, bound to its query. Opaque to callers.

A token holds no secret and needs none: whoever forges one learns nothing that the query would not show. Its checksum
is there so that a token of another query, or a mangled one, is refused and does not answer with the wrong records.
"""

import base64
import binascii
import hashlib

from flawgate_contracts.errors import InvalidParameter

_CHECKSUM_BYTES = 12


def sealed(place: bytes, query: str) -> str:
    """The token of a place; URL-safe.

    Args:
        place: as the list writes it.
        query: all else that was asked for, as text.
    """
    return base64.urlsafe_b64encode(place + _checksum(place, query)).rstrip(b"=").decode()


def opened(token: str, query: str, *, length: int) -> bytes:
    """The place, which takes so many bytes.

    Raises:
        InvalidParameter: it is no token of ours, or one of another query.
    """
    raw = _decoded(token)
    place, checksum = raw[:length], raw[length:]
    if len(place) < length or checksum != _checksum(place, query):
        raise InvalidParameter(
            "The page token is none of this query: send `next_page_token` as it came, with the same filter and order, "
            "or start again without a token.",
            {"field": "page_token"},
        )
    return place


def _decoded(token: str) -> bytes:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _checksum(place: bytes, query: str) -> bytes:
    return hashlib.blake2b(place + query.encode(), digest_size=_CHECKSUM_BYTES).digest()

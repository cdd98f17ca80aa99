"""Page tokens of the queue: the place of the last record seen."""

import struct
from typing import NamedTuple
from uuid import UUID

from flawgate_gateway.records.tokens import opened, sealed

_LAYOUT = struct.Struct(">Bdq16s")
_VERSION = 1


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
    return sealed(packed, query)


def from_token(token: str, query: str) -> Place:
    """The place to go on after.

    Raises:
        InvalidParameter: it is no token of this query.
    """
    _, distance, decided_at_us, identity = _LAYOUT.unpack(opened(token, query, length=_LAYOUT.size))
    return Place(distance, decided_at_us, str(UUID(bytes=identity)))

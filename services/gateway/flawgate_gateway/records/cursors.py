"""Page tokens of lists of inspections: the place of the last record seen."""

import struct
from dataclasses import dataclass
from uuid import UUID

from flawgate_gateway.records.filters import InspectionFilter, Order
from flawgate_gateway.records.tokens import opened, sealed

_VERSION = 1
_LAYOUT = struct.Struct(">Bq16s")
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
    return sealed(place, _asked(wanted, order))


def from_token(token: str, wanted: InspectionFilter, order: Order) -> Position:
    """The place to go on after.

    Raises:
        InvalidParameter: it is no token of ours, or one of another query.
    """
    _, decided_at_us, identity = _LAYOUT.unpack(opened(token, _asked(wanted, order), length=_LAYOUT.size))
    return Position(decided_at_us, str(UUID(bytes=identity)))


def _asked(wanted: InspectionFilter, order: Order) -> str:
    return f"{order}{wanted.model_dump_json(include=_FILTER, exclude_defaults=True)}"

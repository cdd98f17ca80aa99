"""Where an event comes from: the CloudEvents `source`, whose events are one ordered stream."""

import hashlib
from urllib.parse import quote

from flawgate_gateway.frames import Identity

UNPLACED = "/unplaced"
"""Source of an inspection that names neither plant nor line nor station."""

MAX_STREAM_CHARACTERS = 400
"""Of the column `streams.stream`."""


def station_source(identity: Identity) -> str:
    """The source of a station's events: `/plants/P/lines/L/stations/S`, percent-encoded; what is not named is left out.

    Args:
        identity: as the MES named it.
    """
    named = (("plants", identity.plant), ("lines", identity.line), ("stations", identity.station))
    return "".join(f"/{kind}/{_encoded(name)}" for kind, name in named if name is not None) or UNPLACED


def recipe_source(recipe: str) -> str:
    """The source of a recipe's events: its policies hold at every station."""
    return f"/recipes/{_encoded(recipe)}"


def stream_of(source: str) -> str:
    """The key of a source's stream: the source itself or, where that is too long for a column, its SHA-256."""
    if len(source) <= MAX_STREAM_CHARACTERS:
        return source
    return f"sha256:{hashlib.sha256(source.encode()).hexdigest()}"


def _encoded(name: str) -> str:
    return quote(name, safe="")

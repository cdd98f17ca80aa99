"""Where events go at a broker: the topics of a unified namespace."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flawgate_gateway.outbox.drafts import COMPLETED, POLICY_ACTIVATED, REVIEWED, STREAM_GAP

UNNAMED = "-"
"""Level of a place that an inspection does not name."""

_KINDS = {COMPLETED: "inspection/result", REVIEWED: "inspection/review", STREAM_GAP: "stream/gap"}
_NONCHARACTERS = [*range(0xFDD0, 0xFDF0), *(plane << 16 | end for plane in range(17) for end in (0xFFFE, 0xFFFF))]
"""Unicode has given them no meaning, and brokers hang up on whoever sends them in a topic or a property."""
_ESCAPED = str.maketrans({each: quote(each, safe="") for each in [*"%+#/$\x00", *map(chr, _NONCHARACTERS)]})
_REPLACED = dict.fromkeys(_NONCHARACTERS, "\ufffd")


def topic_of(prefix: str, event_type: str, data: Mapping[str, Any]) -> str:
    """The topic of an event.

    Args:
        prefix: first levels.
        event_type: its CloudEvents type.
        data: its data.

    Returns:
        `PREFIX/PLANT/LINE/STATION/inspection/result` (or `.../review`), `PREFIX/PLANT/LINE/STATION/stream/gap`,
        `PREFIX/recipes/RECIPE/policy`.
    """
    if event_type == POLICY_ACTIVATED:
        return f"{prefix}/recipes/{_level(data['recipe'])}/policy"
    place = "/".join(_level(data[name]) for name in ("plant", "line", "station"))
    return f"{prefix}/{place}/{_KINDS[event_type]}"


def state_topic(prefix: str, sink: str) -> str:
    """Where it stands, retained, whether a gateway delivers to the broker."""
    return f"{prefix}/delivery/{sink}/state"


def property_of(value: str) -> str:
    """A value as a property may hold it; what no broker takes is U+FFFD there, and stands as it is in the payload."""
    return value.translate(_REPLACED)


def _level(name: str | None) -> str:
    """One level of a topic; what has a meaning in topics is percent-encoded, so that no two names are the same."""
    if name is None:
        return UNNAMED
    return "%2D" if name == UNNAMED else name.translate(_ESCAPED)

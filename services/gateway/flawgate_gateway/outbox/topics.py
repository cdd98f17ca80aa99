"""Where events go at a broker: the topics of a unified namespace."""

from collections.abc import Mapping
from typing import Any

from flawgate_gateway.outbox.drafts import COMPLETED, POLICY_ACTIVATED, REVIEWED

UNNAMED = "-"
"""Level of a place that an inspection does not name."""

_KINDS = {COMPLETED: "result", REVIEWED: "review"}
_ESCAPED = str.maketrans({character: f"%{ord(character):02X}" for character in "%+#/$\x00"})


def topic_of(prefix: str, event_type: str, data: Mapping[str, Any]) -> str:
    """The topic of an event.

    Args:
        prefix: first levels.
        event_type: its CloudEvents type.
        data: its data.

    Returns:
        `PREFIX/PLANT/LINE/STATION/inspection/result` (or `.../review`), `PREFIX/recipes/RECIPE/policy`.
    """
    if event_type == POLICY_ACTIVATED:
        return f"{prefix}/recipes/{_level(data['recipe'])}/policy"
    place = "/".join(_level(data[name]) for name in ("plant", "line", "station"))
    return f"{prefix}/{place}/inspection/{_KINDS[event_type]}"


def state_topic(prefix: str, sink: str) -> str:
    """Where it stands, retained, whether a gateway delivers to the broker."""
    return f"{prefix}/delivery/{sink}/state"


def _level(name: str | None) -> str:
    """One level of a topic; what has a meaning in topics is percent-encoded, so that no two names are the same."""
    if name is None:
        return UNNAMED
    return "%2D" if name == UNNAMED else name.translate(_ESCAPED)

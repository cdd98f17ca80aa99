"""What a trigger from the network says: JSON, or a bare part id."""

import json
import unicodedata
from typing import Any

from flawgate_camera.frames import Trigger

MAX_BYTES = 1024
"""Of one trigger."""
_NAMES = {"trigger_id": "id", "part": "part", "lot": "lot", "work_order": "work_order"}


class BadTrigger(Exception):  # noqa: N818  # reads as what happened, like those of flawgate_contracts.errors
    """It is none; the message is a sentence for whoever sends it."""


def read_trigger(payload: bytes) -> Trigger:
    """What a trigger says.

    Args:
        payload: UTF-8: a JSON object with any of the keys part, trigger_id, lot and work_order, or the part alone.

    Raises:
        BadTrigger: it is neither.
    """
    if len(payload) > MAX_BYTES:
        raise BadTrigger(f"a trigger has {MAX_BYTES} bytes at most")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        raise BadTrigger("a trigger is text in UTF-8") from None
    if not text:
        raise BadTrigger("nothing was said; send a part, or {} for a picture of an unnamed part")
    if not text.startswith("{"):
        return Trigger(part=_value("part", text))
    return Trigger(**{_NAMES[name]: _value(name, value) for name, value in _object(text).items() if value is not None})


def _object(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError):
        raise BadTrigger("what begins with { must be a JSON object on one line") from None
    if not found.keys() <= _NAMES.keys():
        raise BadTrigger(f"the keys of a trigger are {', '.join(_NAMES)}, and no others")
    return found


def _value(name: str, value: object) -> str:
    bad = not isinstance(value, str) or not 1 <= len(value) <= 128
    if bad or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in str(value)):
        raise BadTrigger(f"{name} must be a text of 1 to 128 characters, none of them a control character")
    return str(value)

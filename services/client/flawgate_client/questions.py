"""What is asked, as the API writes it: pictures with what names them, filters, keys."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Literal, TypedDict

from flawgate_client.answers import Evaluation, Variant
from flawgate_client.conversation import Fields

MAX_KEY_LENGTH = 255

Picture = bytes | Path
"""An encoded picture (PNG, JPEG, BMP, TIFF), or the file that holds one."""
PictureKind = Literal["mask", "overlay", "frame"]
Value = str | int | float | bool | datetime | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a batch, and what names it."""

    picture: Picture
    recipe: str | None = None
    """None for the one that the whole batch has."""
    plant: str | None = None
    line: str | None = None
    station: str | None = None
    camera: str | None = None
    part: str | None = None
    lot: str | None = None
    work_order: str | None = None
    acquired_at: datetime | None = None

    def said(self) -> Fields:
        """All but the picture."""
        return said({field.name: getattr(self, field.name) for field in fields(self) if field.name != "picture"})


class Filters(TypedDict, total=False):
    """What inspections are looked for; all that is given must be met. Moments have a time zone."""

    plant: str
    line: str
    station: str
    camera: str
    part: str
    lot: str
    work_order: str
    recipe: str
    recipe_version: str
    policy_version: str
    variant: Variant
    evaluation: Evaluation | Sequence[Evaluation]
    reason: str
    decided_from: datetime
    decided_to: datetime
    max_margin: float
    min_score: float
    max_score: float
    reviewed: bool
    frame_sha256: str
    order: Literal["newest", "oldest"]
    page_size: int


def said(given: Mapping[str, Value]) -> Fields:
    """What is given, as it is written in a form or a query; what is None is left out.

    Raises:
        ValueError: a moment has no time zone.
    """
    return {name: _written(value) for name, value in given.items() if value is not None}


def quoted_key(key: str | None) -> str:
    """An idempotency key as RFC 8941 writes a string; a new one where None.

    Raises:
        ValueError: it is none.
    """
    if key is None:
        return f'"{uuid.uuid4()}"'
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ValueError(f"An idempotency key has 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _written(value: str | float | datetime | Sequence[str]) -> str | Sequence[str]:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"The moment {value} has no time zone; give one, UTC best.")
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value

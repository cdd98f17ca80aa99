"""What a record keeps of its pictures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Archived:
    """Digests of blobs in the archive (SHA-256, hexadecimal), and how to draw them: the columns of table `evidence`."""

    evaluation: str
    """Of the inspection."""
    frame_sha256: str | None
    mask_sha256: str | None
    explanation_sha256: str | None
    document: str
    """JSON."""
    stored_bytes: int
    """Of all its blobs, as stored."""
    keep_until_us: int | None
    """Microseconds since 1970; None: for ever."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """That of a row."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    def columns(self) -> dict[str, Any]:
        """As a row."""
        return asdict(self)

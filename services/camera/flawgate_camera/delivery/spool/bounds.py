"""How much a spool holds, and how it is cut into files."""

from dataclasses import dataclass

MOST_SEGMENT_BYTES = 32_000_000
SEGMENTS = 8
"""So many files, at least, make up a spool that is full: space comes back file by file."""
ROTATIONS = 20
"""So many files, at least, make up the longest age: what is too old goes file by file."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a spool holds.

    Attributes:
        max_bytes: of its files.
        max_age_s: that a frame lies there, in seconds; it is gone at most a twentieth of that later.
    """

    max_bytes: int
    max_age_s: float

    @property
    def segment_bytes(self) -> int:
        """Of one file, unless a single frame is longer."""
        return min(MOST_SEGMENT_BYTES, self.max_bytes // SEGMENTS)

    @property
    def segment_s(self) -> float:
        """So long a file is appended to, in seconds."""
        return self.max_age_s / ROTATIONS

"""What an archive is told."""

from dataclasses import dataclass

from flawgate_gateway.archive.retention import Retention


@dataclass(frozen=True, slots=True)
class ArchiveTerms:
    """Where the pictures are, and which of them stay."""

    url: str
    """A folder, or what fsspec opens, such as `s3://bucket/prefix`."""
    timeout_s: float
    """Longest time of one call, in seconds."""
    workers: int
    """Calls at once."""
    retention: Retention
    max_bytes: int
    """From here on the pictures of good parts are not kept."""
    purge_interval_s: float

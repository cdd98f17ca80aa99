"""Moments as the tables keep them: microseconds since 1970, UTC."""

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """A moment with a time zone, in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(moment_us: int) -> datetime:
    """The same moment, UTC."""
    return _EPOCH + timedelta(microseconds=moment_us)


def now_us() -> int:
    """This moment."""
    return time.time_ns() // 1000

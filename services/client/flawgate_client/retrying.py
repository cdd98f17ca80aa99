"""When a request is sent again, and how long after."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from flawgate_client.errors import FlawgateError

RETRIES = 5
"""Tries beside the first, unless told otherwise: some seconds, in which a gateway has started again."""
MAX_RETRIES = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a client is."""

    retries: int = RETRIES
    """Tries beside the first."""
    first_s: float = 0.25
    """Longest pause before the first retry, in seconds; it doubles with each, up to `longest_s`."""
    longest_s: float = 20.0
    """Longest pause at all, in seconds; a gateway that asks for a longer one is not waited for."""
    chance: Callable[[], float] = random.SystemRandom().random
    """0 to 1: so that those who were refused together do not come again together."""

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= MAX_RETRIES:
            raise ValueError(f"`retries` is {self.retries}; it is 0 to {MAX_RETRIES}.")

    def pause_s(self, attempt: int, error: FlawgateError) -> float | None:
        """Seconds until a request is sent again; None where it is not.

        Args:
            attempt: how often it was sent again already, from 0.
            error: what came of the last try.
        """
        if attempt >= self.retries or not error.retryable:
            return None
        asked_s = error.retry_after_s or 0.0
        if asked_s > self.longest_s:
            return None
        return min(self.longest_s, asked_s + self.chance() * self.first_s * 2.0**attempt)


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a `Retry-After` asks for, a number or a date; None where it says nothing."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None

"""When to try again."""

import random
import time
from collections.abc import Sequence

MAX_RETRY_AFTER_S = 3600.0
"""Longest time that a sink is left alone because it asks for it, in seconds."""
FIRST_PAUSE_S = 1.0
"""After the first try of a sink that cannot be reached, in seconds; doubled after each further one."""

_JITTER = (0.8, 1.2)


def wait_s(delays_s: Sequence[float], refusals: int, retry_after_s: float | None) -> float | None:
    """How long an event waits after being refused; None: it is given up.

    Args:
        delays_s: after the first, second, ... refusal, in seconds.
        refusals: how often it was refused by now; 1 or more.
        retry_after_s: what the sink asks for, in seconds.
    """
    if refusals > len(delays_s):
        return None
    return max(_jittered(delays_s[refusals - 1]), _bounded(retry_after_s))


class Pause:
    """The rest that a sink is given which cannot be reached: one for all its streams."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._failures = 0
        self._until = 0.0

    @property
    def left_s(self) -> float:
        """Seconds until the sink may be tried again; 0 or less: now."""
        return self._until - time.monotonic()

    def failed(self, retry_after_s: float | None) -> bool:
        """The sink could not be reached; several failures at once are one, and whether this is the first is told."""
        if self.left_s > 0:
            return False
        pause_s = min(self._longest_s, FIRST_PAUSE_S * 2.0 ** min(self._failures, 30))
        self._failures += 1
        self._until = time.monotonic() + max(_jittered(pause_s), _bounded(retry_after_s))
        return True

    def reached(self) -> None:
        """The sink answered."""
        self._failures = 0
        self._until = 0.0


def _bounded(retry_after_s: float | None) -> float:
    return min(retry_after_s or 0.0, MAX_RETRY_AFTER_S)


def _jittered(delay_s: float) -> float:
    """Spread by a fifth either way, so that what failed together does not come back together."""
    return delay_s * random.uniform(*_JITTER)  # noqa: S311 - nothing secret depends on it

"""Pictures at an even rate, from sources that have none of their own."""

import time

LONGEST_WAIT_S = 0.25
"""So that a source of one picture an hour can be stopped soon."""


class Pace:
    """Says when the next picture is due, by the monotonic clock; what was missed is not made up for.

    Args:
        frames_per_s: more than 0; None for as fast as it goes.
    """

    def __init__(self, frames_per_s: float | None) -> None:
        self._period_s = 0.0 if frames_per_s is None else 1 / frames_per_s
        self._due = time.monotonic()

    def wait(self) -> bool:
        """Wait until the next picture is due, `LONGEST_WAIT_S` at most; whether it is."""
        ahead_s = self._due - time.monotonic()
        if ahead_s > 0:
            time.sleep(min(ahead_s, LONGEST_WAIT_S))
        if ahead_s > LONGEST_WAIT_S:
            return False
        # One period late is jitter, and made up for; more is a source that was held up.
        self._due = max(self._due + self._period_s, time.monotonic() - self._period_s)
        return True

"""A pause for a service that is too slow: asked by each frame, it would take the places that other frames wait for."""

import time

PAUSE_S = 5.0


class Pause:
    """After a failure nobody asks for a while; then one does, and the others when that one has been answered."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        """No pause yet.

        Args:
            pause_s: how long one is, in seconds.
        """
        self._pause_s = pause_s
        self._until: float | None = None
        """End of the pause on the monotonic clock, in seconds; None: there is none."""

    def may_ask(self) -> bool:
        """Whether the service is asked now; the first one after a pause begins the next, in case that it fails, too."""
        if self._until is None:
            return True
        if time.monotonic() < self._until:
            return False
        self.begin()
        return True

    def begin(self) -> bool:
        """It was too slow; whether this is news."""
        was, self._until = self._until, time.monotonic() + self._pause_s
        return was is None

    def end(self) -> bool:
        """It has answered in time; whether this is news."""
        was, self._until = self._until, None
        return was is not None

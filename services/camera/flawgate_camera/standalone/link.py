"""Since when a camera's stream is down."""

import time
from collections.abc import Callable


class Link:
    """Remembers the moment; a stream that was never up is down since the agent began. For any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Down.

        Args:
            clock: seconds that never run backwards.
        """
        self._clock = clock
        self._lost_at: float | None = clock()

    def turned(self, *, connected: bool) -> None:
        """The stream came up, or went down; or is still down, for another reason."""
        if connected:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = self._clock()

    def is_lost(self, after_s: float) -> bool:
        """Whether it has been down for so long, in seconds, or longer; never while it is up."""
        lost_at = self._lost_at
        return lost_at is not None and self._clock() - lost_at >= after_s

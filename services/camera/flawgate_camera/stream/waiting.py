"""How long one waits before the gateway is asked again."""

import random

from flawgate_camera.stream.facts import Timing
from flawgate_contracts.errors import FlawgateError, InternalError, ModelFailure, RequestCancelled
from flawgate_contracts.grpc_errors import retry_delay_s

_PASSING = (InternalError, ModelFailure, RequestCancelled)
"""Not retryable for a caller who wants an answer now; for a camera, the same call may succeed in a minute."""
_MOST_DOUBLINGS = 16


class BackOff:
    """Waits that grow from try to try, with chance in them: cameras that lost one gateway do not come back at once."""

    def __init__(self, timing: Timing, chance: random.Random) -> None:
        self._timing, self._chance = timing, chance
        self._tries = 0

    def succeeded(self) -> None:
        """Begin with short waits again."""
        self._tries = 0

    def wait_s(self, error: FlawgateError) -> float:
        """How long to wait after one more try that ended so, in seconds."""
        if is_lasting(error):
            return self._timing.refused_s * self._chance.uniform(0.5, 1.5)
        ceiling: float = min(self._timing.retry_max_s, self._timing.retry_s * 2 ** min(self._tries, _MOST_DOUBLINGS))
        self._tries += 1
        asked_s = retry_delay_s(error) if "retry_after_s" in error.metadata else 0.0
        return max(min(asked_s, self._timing.retry_max_s), ceiling * self._chance.uniform(0.1, 1.0))


def is_lasting(error: FlawgateError) -> bool:
    """Whether another try will hardly help until somebody has changed something."""
    return not error.retryable and not isinstance(error, _PASSING)

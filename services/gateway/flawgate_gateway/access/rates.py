"""How often a key may ask: a token bucket for each.

Counted by each gateway for itself: behind a balancer over n gateways a key may ask up to n times as often.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from flawgate_contracts.errors import RateLimited
from flawgate_gateway.access.caller import Caller

BURST_S = 2.0
"""A key that was silent may ask at once for as much as it may in so many seconds, and for one request at least."""
ROUNDING = 1e-6
"""Of a request: who waits exactly as long as told is let in."""
MAX_KEYS = 10_000
"""Keys counted at once; of more, those that have been silent longest start anew with a full bucket."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What one key's rate leaves."""

    limit: int
    """Requests at once, after silence."""
    window_s: int
    """Seconds after which a silent key may ask for all of them again."""
    left: int
    """Requests at once, now."""
    full_after_s: int
    """Seconds of silence after which it is `limit` again."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """The buckets of all keys.

    Args:
        requests_per_s: rate of a key that has none of its own, more than 0.
        max_keys: keys counted at once.
        clock: gives seconds that never go back.
    """

    def __init__(
        self, requests_per_s: float, *, max_keys: int = MAX_KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._requests_per_s = requests_per_s
        self._max_keys = max_keys
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: Caller) -> Quota:
        """Count one request.

        Raises:
            RateLimited: there were too many lately; `metadata["retry_after_s"]` says when the next is let in.
        """
        rate = self._requests_per_s if caller.requests_per_s is None else caller.requests_per_s
        burst = max(1.0, rate * BURST_S)
        bucket = self._filled(caller.id, rate, burst)
        if bucket.tokens < 1 - ROUNDING:
            raise _limited(caller, rate, wait_s=(1 - bucket.tokens) / rate)
        bucket.tokens = max(0.0, bucket.tokens - 1)
        return Quota(int(burst), math.ceil(burst / rate), int(bucket.tokens), math.ceil((burst - bucket.tokens) / rate))

    def _filled(self, key: str, rate: float, burst: float) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        return bucket


def _limited(caller: Caller, rate: float, *, wait_s: float) -> RateLimited:
    retry_after_s = math.ceil(wait_s * 1000) / 1000
    return RateLimited(
        f"The key {caller.id} may ask {rate:g} times a second, and asked more often; "
        f"come again after {retry_after_s:g} s.",
        {"retry_after_s": f"{retry_after_s:.3f}", "key": caller.id},
    )

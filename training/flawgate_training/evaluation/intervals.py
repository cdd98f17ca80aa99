"""Confidence intervals of 95 %: exact ones of shares, bootstrapped ones of everything else.

Shares take frames as independent. The bootstrap draws whole groups (parts), because frames of one part resemble each
other.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from flawgate_training.evaluation.figures import Interval

CONFIDENCE = 0.95
DRAWS = 1000
"""Of a bootstrap, unless that many would take too long."""

_MIN_DRAWS = 100
_MAX_CELLS = 100_000_000
"""Frames × draws in all: about two seconds of work."""
_CHUNK_CELLS = 4_000_000
"""Frames × draws at once: 32 MB an array."""
_MIN_GROUPS = 2
_SEED = 20_261_121

Draws = NDArray[np.float64]


def clopper_pearson(part: int, whole: int) -> Interval:
    """Exact interval of a share (Clopper and Pearson, Biometrika 26, 1934).

    Args:
        part: how many have the property.
        whole: out of how many; of none, the share may be anything.
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, part, whole - part + 1)) if part > 0 else 0.0
    high = float(beta.ppf(1 - tail, part + 1, whole - part)) if part < whole else 1.0
    return Interval(low=low, high=high)


def bootstrap(groups: Sequence[str], statistic: Callable[[Draws], Draws], *, draws: int = DRAWS) -> Interval | None:
    """Interval of a statistic over frames, by drawing as many groups as there are, with replacement. Seeded.

    Args:
        groups: of each of n frames.
        statistic: weights of the frames, (d, n), float64, whole numbers → values, (d,); NaN where undefined.
        draws: how many; fewer, but 100 at least, where there are very many frames.

    Returns:
        From the 2.5th to the 97.5th percentile of the values that are defined; None where those are fewer than half,
        or there are fewer than two groups.
    """
    _, members = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    count = int(members.max(initial=-1)) + 1
    if count < _MIN_GROUPS:
        return None
    draws = min(draws, max(_MIN_DRAWS, _MAX_CELLS // len(groups)))
    rng, size = np.random.default_rng(_SEED), max(1, _CHUNK_CELLS // len(groups))
    even = np.full(count, 1 / count)
    values = np.concatenate(
        [
            statistic(rng.multinomial(count, even, size=min(size, draws - done)).astype(np.float64)[:, members])
            for done in range(0, draws, size)
        ]
    )
    return _middle(values)


def _middle(values: Draws) -> Interval | None:
    defined = values[np.isfinite(values)]
    if len(defined) < len(values) / 2:
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return Interval(low=float(low), high=float(high))

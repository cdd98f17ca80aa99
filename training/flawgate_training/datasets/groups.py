"""Division of frames that never parts what belongs together, and spreads every label as evenly as groups allow."""

from collections import Counter
from collections.abc import Sequence

import numpy as np


def divide(
    groups: Sequence[str], labels: Sequence[int], *, shares: Sequence[float], seed: int
) -> tuple[tuple[int, ...], ...]:
    """Give each group to one part.

    Groups are shuffled; each then goes to the part that is furthest behind its share of the group's rarest label, ties
    to the one furthest behind in the next rarer label, at last in frames, and then to the first.

    Args:
        groups: group of each frame.
        labels: label of each frame.
        shares: of each part, above 0; only their ratios matter.
        seed: of the shuffle.

    Returns:
        For each part the positions of its frames, ascending; every frame is in exactly one.
    """
    members: dict[str, list[int]] = {}
    for position, group in enumerate(groups):
        members.setdefault(group, []).append(position)
    rarity = Counter(labels)
    parts: list[list[int]] = [[] for _ in shares]
    counts: list[Counter[int]] = [Counter() for _ in shares]
    for name in np.random.default_rng(seed).permutation(sorted(members)):
        held = members[str(name)]
        rarest = sorted({labels[position] for position in held}, key=lambda label: (rarity[label], label))
        behind = [
            (*(count[label] / share for label in rarest), len(part) / share)
            for part, count, share in zip(parts, counts, shares, strict=True)
        ]
        chosen = behind.index(min(behind))
        parts[chosen] += held
        counts[chosen].update(labels[position] for position in held)
    return tuple(tuple(sorted(part)) for part in parts)

"""The last frames of one recipe, counted by the bins of its reference."""

from collections import deque
from collections.abc import Mapping

from flawgate_contracts.reference import Feature, Reference
from flawgate_imaging.drift import place, psi

FRAMES = 500
"""So many of the last are looked at."""

ENOUGH = 200
"""With fewer, the index says more of chance than of the line."""


class Window:
    """Counts the last `FRAMES` frames; a frame costs the same however many there are."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._counts: dict[Feature, list[int]] = {
            feature: [0] * len(known.shares) for feature, known in reference.features.items()
        }
        self._placed: deque[dict[Feature, int]] = deque()

    def __len__(self) -> int:
        return len(self._placed)

    def add(self, values: Mapping[str, float]) -> None:
        """Count a frame.

        Args:
            values: of the features that are known of it; others are passed over.
        """
        features = self.reference.features
        placed = {feature: place(values[feature], known) for feature, known in features.items() if feature in values}
        self._count(placed, 1)
        self._placed.append(placed)
        if len(self._placed) > FRAMES:
            self._count(self._placed.popleft(), -1)

    def psi(self) -> dict[Feature, float]:
        """The population stability index of each feature that enough of the frames have, 0 upwards."""
        features = self.reference.features
        return {
            feature: psi(counts, features[feature]) for feature, counts in self._counts.items() if sum(counts) >= ENOUGH
        }

    def _count(self, placed: Mapping[Feature, int], times: int) -> None:
        for feature, index in placed.items():
            self._counts[feature][index] += times

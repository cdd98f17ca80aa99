"""Models whose answers the test writes, for the parity gate."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from flawgate_training.export.runtimes import Explained

Answer = Mapping[str, NDArray[np.float32]]


class Scripted:
    """Models that answer each batch with the next of some answers, the last one for ever."""

    def __init__(self, *answers: Answer, logits: Answer | None = None) -> None:
        self.seen: list[NDArray[np.uint8]] = []
        self._answers = list(answers)
        self._logits = dict(logits or {})

    def answers(self, frames: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """See `Models`."""
        return self.explained(frames).answers

    def explained(self, frames: NDArray[np.uint8]) -> Explained:
        """See `Models`."""
        self.seen.append(frames)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return Explained(dict(answer), self._logits)

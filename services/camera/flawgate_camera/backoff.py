"""How long to wait before the next try."""

import random


class BackOff:
    """Twice as long each time, up to a bound, and a little by chance, so that many do not come at once.

    Args:
        first_s: the first wait, in seconds.
        longest_s: the bound, in seconds.
        chance: draws between 0 and 1.
    """

    def __init__(self, first_s: float, longest_s: float, chance: random.Random | None = None) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._chance = chance or random.Random()  # noqa: S311  # no secret
        self._wait_s = 0.0

    def after(self, worked_s: float) -> float:
        """The wait, in seconds.

        Args:
            worked_s: for how long it worked before it failed; what worked for longer than the last wait begins anew.
        """
        doubled_s = self._first_s if worked_s > self._wait_s else 2 * self._wait_s
        self._wait_s = min(max(doubled_s, self._first_s), self._longest_s)
        return self._wait_s * self._chance.uniform(0.5, 1)

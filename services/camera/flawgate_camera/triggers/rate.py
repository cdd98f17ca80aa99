"""Triggers that count: every picture, every n-th, so many a second."""

from flawgate_camera.frames import Picture, Trigger


class NthTrigger:
    """The first picture, and every n-th after it; with n = 1, every one.

    Args:
        n: 1 or more.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._seen = 0

    def wanted(self, picture: Picture) -> Trigger | None:
        """What the source itself says of the picture, every n-th time."""
        number, self._seen = self._seen, (self._seen + 1) % self._n
        return picture.trigger if number == 0 else None


class RateTrigger:
    """At most so many pictures a second, evenly spread, by the moments at which they were taken.

    Args:
        frames_per_s: more than 0.
    """

    def __init__(self, frames_per_s: float) -> None:
        self._period_s = 1 / frames_per_s
        self._due = 0.0

    def wanted(self, picture: Picture) -> Trigger | None:
        """What the source itself says of the picture, where one is due."""
        if picture.acquired < self._due:
            return None
        # A picture that comes a little late does not delay all that follow.
        late_s = picture.acquired - self._due
        self._due = picture.acquired + self._period_s - (late_s if late_s < self._period_s else 0)
        return picture.trigger

"""How old a picture of a network camera is when it is read."""

QUICK_S = 0.005
"""Nothing was waited for where a picture came within this, in seconds, however short the time between two."""


class StreamClock:
    """Compares a stream's own time stamps with the clock of this machine.

    A reader that is slower than its camera gets pictures that have waited in buffers, later and later. The freshest
    picture so far counts as taken when it was read; another one is older by as much as it came later than its time
    stamp lets expect. A picture that was waited for had not waited itself: there the comparison begins anew, since
    clocks drift apart, and cameras begin anew, too.
    """

    def __init__(self) -> None:
        self._offset_s = float("inf")
        self._last_s = float("-inf")

    def age_s(self, stamp_s: float, now_s: float, waited_s: float) -> float:
        """How long ago the next picture was taken, in seconds.

        Args:
            stamp_s: its time stamp in the stream, in seconds.
            now_s: when it was read, by a monotonic clock, in seconds.
            waited_s: how long its reading took, in seconds.
        """
        step_s, self._last_s = stamp_s - self._last_s, stamp_s
        offset_s = now_s - stamp_s
        begins_anew = step_s <= 0 or waited_s > max(QUICK_S, step_s / 2)
        self._offset_s = offset_s if begins_anew else min(self._offset_s, offset_s)
        return offset_s - self._offset_s

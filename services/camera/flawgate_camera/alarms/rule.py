"""When an alarm is on: the causes that there are, from results, time, camera and gateway. No output stands here."""

from collections import deque
from collections.abc import Collection

from flawgate_camera.alarms.facts import AlarmCause, Judged
from flawgate_camera.config.alarms import Alarm, GoodReset

GOOD, DECIDED = "OK", ("OK", "NOT_OK")


class Rule:
    """Keeps the causes of one alarm. Times are seconds of one monotonic clock.

    A cause ends by itself: bad results after enough good ones in a row, silence with the next result that says OK or
    NOT_OK, the others with what they name. Where the alarm is reset by hand, no cause ends before that.
    What is not decidable is never good: it ends no row of bad results, and it does not break a silence.
    """

    def __init__(self, alarm: Alarm, now: float) -> None:
        """Begin, with camera and gateway taken for lost until they are seen."""
        self._alarm = alarm
        self._bad: deque[bool] = deque(maxlen=alarm.of)
        self._good_in_a_row = 0
        self._tripped = False
        self._decided_at = now
        self._seen_at: dict[AlarmCause, float] = {}
        self._latched: frozenset[AlarmCause] = frozenset()
        self._stopping = False
        self.last: Judged | None = None
        """The last result that was acted upon."""

    def judge(self, judged: Judged, now: float) -> None:
        """Take a result, unless it is too old: the part that it speaks of is gone."""
        if judged.age_s is None or judged.age_s > self._alarm.max_age_s:
            return
        self.last = judged
        if judged.evaluation in DECIDED:
            self._decided_at = now
        self._bad.append(judged.evaluation in self._alarm.on)
        self._good_in_a_row = self._good_in_a_row + 1 if judged.evaluation == GOOD else 0
        if sum(self._bad) >= self._alarm.n:
            self._tripped = True
        self._end_by_good_parts()

    def look(self, lost: Collection[AlarmCause], now: float) -> frozenset[AlarmCause]:
        """The causes that there are now.

        Args:
            lost: what is missing at this moment, of camera and gateway.
            now: the moment.
        """
        causes = set(self._lost(lost, now))
        if causes:
            self._decided_at = now  # silence begins when all is there and nothing comes
        elif self._alarm.silence_s and now - self._decided_at >= self._alarm.silence_s:
            causes.add(AlarmCause.SILENCE)
        if self._tripped:
            causes.add(AlarmCause.RESULTS)
        if self._stopping:
            causes.add(AlarmCause.STOPPING)
        self._latched = self._latched | causes if self._by_hand else frozenset(causes)
        return self._latched

    def reset(self) -> None:
        """By hand: what is over ends; what still lasts does not."""
        self._latched = frozenset()
        self._forget_results()

    def stop(self) -> None:
        """On from now on: nobody looks at parts any more."""
        self._stopping = True

    @property
    def _by_hand(self) -> bool:
        return not isinstance(self._alarm.reset, GoodReset)

    def _lost(self, lost: Collection[AlarmCause], now: float) -> Collection[AlarmCause]:
        """Those that are missing for longer than is borne; at the beginning, at once."""
        for cause in (AlarmCause.CAMERA_DOWN, AlarmCause.GATEWAY_LOST):
            if cause not in lost:
                self._seen_at[cause] = now
        never = float("-inf")
        return [cause for cause in lost if now - self._seen_at.get(cause, never) >= self._alarm.lost_after_s]

    def _end_by_good_parts(self) -> None:
        reset = self._alarm.reset
        if self._tripped and isinstance(reset, GoodReset) and self._good_in_a_row >= reset.parts:
            self._forget_results()

    def _forget_results(self) -> None:
        self._tripped = False
        self._bad.clear()
        self._good_in_a_row = 0

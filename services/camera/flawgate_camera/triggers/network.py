"""What triggers of the network share: a queue, its clock, and the words in which senders are answered."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import structlog

from flawgate_camera.config.network_triggers import Waiting
from flawgate_camera.frames import Picture, Trigger
from flawgate_camera.triggers.payload import BadTrigger, read_trigger
from flawgate_camera.triggers.queue import Fate, TriggerObserver, TriggerQueue

log = structlog.get_logger(__name__)

LOOK_S = 0.05
"""Between two looks for triggers whose time is over."""

SAY_EVERY_S = 1.0
"""Between two log lines of one kind: a line without pictures, or a sender gone mad, fills no disk."""

OK, BUSY = "ok", "busy"


class NetworkTrigger:
    """A `TriggerSource` that pairs what comes from the network with pictures.

    Args:
        config: how long a trigger waits.
        camera: its name, for the log.
        observer: told what became of each trigger.
        clock: that of pictures' `acquired`, in seconds.
    """

    def __init__(
        self, config: Waiting, camera: str, observer: TriggerObserver, clock: Callable[[], float] = monotonic
    ) -> None:
        self._within_s = config.within_s
        self._camera = camera
        self._observer = observer
        self._clock = clock
        self._queue = TriggerQueue(config, observer, clock)
        self._said_at: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def wanted(self, picture: Picture) -> Trigger | None:
        """See `TriggerSource`."""
        return self._queue.take(picture)

    async def expire(self) -> None:
        """Give up, until cancelled, triggers whose time is over, also while no picture comes."""
        while True:
            self._queue.expire(self._clock())
            await asyncio.sleep(LOOK_S)

    def offer(self, payload: bytes) -> asyncio.Future[str]:
        """Take a trigger that came now.

        Returns:
            The answer, as soon as there is one: `ok` once a picture was taken, `busy`, or `error` and a sentence.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        try:
            trigger = read_trigger(payload)
        except BadTrigger as err:
            self.refuse(str(err))
            answer.set_result(f"error {err}")
            return answer

        def told(fate: Fate) -> None:
            with suppress(RuntimeError):  # that loop has ended, and nobody listens
                loop.call_soon_threadsafe(self._answer, answer, trigger, fate)

        if not self._queue.put(trigger, told):
            self._say("trigger turned away", part=trigger.part, trigger_id=trigger.id)
            answer.set_result(BUSY)
        return answer

    def refuse(self, why: str) -> None:
        """Count and log something that is no trigger."""
        self._observer.triggered(Fate.REFUSED)
        self._say("no trigger", message=why)

    def _answer(self, answer: asyncio.Future[str], trigger: Trigger, fate: Fate) -> None:
        if fate is Fate.MISSED:
            self._say("trigger missed", part=trigger.part, trigger_id=trigger.id)
        if not answer.done():
            answer.set_result(OK if fate is Fate.TAKEN else f"error no picture came within {self._within_s:g} s")

    def _say(self, event: str, **facts: str | None) -> None:
        """Write a line, or count it for the next one."""
        now = self._clock()
        if now - self._said_at.get(event, float("-inf")) < SAY_EVERY_S:
            self._unsaid[event] += 1
            return
        self._said_at[event] = now
        log.warning(event, camera=self._camera, further=self._unsaid.pop(event, 0), **facts)

"""The gate before the services: how many frames are worked on at once, and whose turn is next.

Each recipe has a queue of its own, and the recipes that wait take turns, so that one recipe's flood does not starve
another. A frame that, by what the recipe's frames took lately and by its place in the queue, cannot be done within its
deadline is told so at once.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from flawgate_contracts.errors import Overloaded
from flawgate_contracts.tracing import span
from flawgate_gateway.admission.observer import AdmissionObserver, Unobserved

WEIGHT = 0.2
"""Of the newest service time in the running mean."""
ESTIMATE_S = 10.0
"""Seconds for which that mean tells of the frames to come."""


class DeadlineUnreachable(Exception):  # noqa: N818  # no failure: it becomes an inspection that says so
    """The frame cannot be judged within its deadline."""


@dataclass(slots=True)
class _Queue:
    """Those who wait for one recipe, and what its frames take."""

    estimate_s: float
    """See `AdmissionGate`."""
    waiting: deque["asyncio.Future[None]"] = field(default_factory=deque)
    mean_s: float = 0.0
    """Running mean of the time that one frame is worked on, in seconds; 0 before the first."""
    learned_at: float = 0.0
    """When it was last told of a frame, on the monotonic clock, in seconds."""

    @property
    def service_s(self) -> float:
        """What the next frame will take, in seconds; 0 where nobody knows (any more), so that one is let in to tell.

        Without an end to what was learned, a model that was slow once would let nothing in, and so never be seen to be
        fast again.
        """
        return self.mean_s if time.monotonic() < self.learned_at + self.estimate_s else 0.0

    def took(self, seconds: float) -> None:
        """One more frame was worked on for so long."""
        self.mean_s = seconds if self.mean_s == 0 else self.mean_s + WEIGHT * (seconds - self.mean_s)
        self.learned_at = time.monotonic()

    def took_longer(self, seconds: float) -> None:
        """One more was given up after so long: it would have taken more, and as much as others for all we know."""
        self.took(max(seconds, self.mean_s))


@dataclass(slots=True)
class Place:
    """Where one frame is worked on, and since when that tells how long the next one will take."""

    service_s: float
    """What its recipe's frames take, in seconds; 0 where nobody knows."""
    _since: float | None = field(default_factory=time.monotonic)
    """On the monotonic clock, in seconds; None: it tells nothing."""

    def tells_nothing(self) -> None:
        """What it is used for now says nothing of other frames."""
        self._since = None

    def begins_anew(self) -> None:
        """From now on it is used as for other frames."""
        self._since = time.monotonic()

    def tell(self, took: Callable[[float], None]) -> None:
        """Tell how long that was, in seconds, if it tells anything."""
        if self._since is not None:
            took(time.monotonic() - self._since)


class AdmissionGate:
    """Lets frames through, `max_in_progress` at once, the recipes in turn, each recipe's in the order of arrival."""

    def __init__(
        self,
        *,
        max_in_progress: int,
        max_waiting: int,
        estimate_s: float = ESTIMATE_S,
        observer: AdmissionObserver | None = None,
    ) -> None:
        """A gate.

        Args:
            max_in_progress: frames worked on at once, of all recipes together.
            max_waiting: frames of one recipe that wait at the most.
            estimate_s: seconds after which what a recipe's frames took tells nothing of the next one.
            observer: is told of those who wait, and of those who are not let in.
        """
        self._max_in_progress = max_in_progress
        self._max_waiting = max_waiting
        self._estimate_s = estimate_s
        self._observer = observer or Unobserved()
        self._in_progress = 0
        self._queues: dict[str, _Queue] = {}
        self._turns: deque[str] = deque()
        """Recipes for which somebody waits, the next one first."""

    @property
    def waiting(self) -> int:
        """Frames that wait now."""
        return sum(len(queue.waiting) for queue in self._queues.values())

    @asynccontextmanager
    async def admitted(self, recipe: str, deadline: float) -> AsyncIterator[Place]:
        """Hold a place, which it gives, for the time of the block.

        Args:
            recipe: name of a recipe that is known, since each has its queue for good.
            deadline: moment on the monotonic clock, in seconds, at which the work must be done.

        Raises:
            Overloaded: the recipe's queue is full.
            DeadlineUnreachable: the frame cannot be done in time.
        """
        queue = self._queues.get(recipe) or self._opened(recipe)
        try:
            with span("admission"):
                await self._enter(recipe, queue, deadline)
        except DeadlineUnreachable:
            self._observer.rejected("deadline_unreachable")
            raise
        place = Place(queue.service_s)
        try:
            yield place
            place.tell(queue.took)
        except asyncio.CancelledError:
            place.tell(queue.took_longer)
            raise
        finally:
            self._leave()

    def _opened(self, recipe: str) -> _Queue:
        queue = self._queues[recipe] = _Queue(self._estimate_s)
        self._observer.queue_opened(recipe, lambda: len(queue.waiting))
        return queue

    async def _enter(self, recipe: str, queue: _Queue, deadline: float) -> None:
        self._check_reachable(queue, deadline)
        if self._in_progress < self._max_in_progress and not self._turns:
            self._in_progress += 1
            self._observer.waited(0.0)
            return
        if len(queue.waiting) >= self._max_waiting:
            self._observer.rejected("queue_full")
            raise Overloaded(
                f"{len(queue.waiting)} frames wait for recipe {recipe}, which is all that may; try again shortly.",
                {"recipe": recipe},
            )
        await self._wait(recipe, queue)
        if time.monotonic() + queue.service_s > deadline:
            self._leave()
            raise DeadlineUnreachable

    def _check_reachable(self, queue: _Queue, deadline: float) -> None:
        """By an estimate that is rather too short: each recipe that waits gets its share of the places."""
        share = max(1.0, self._max_in_progress / max(1, len(self._turns)))
        ahead = len(queue.waiting) if self._in_progress >= self._max_in_progress else 0
        if time.monotonic() + queue.service_s * (1 + ahead / share) > deadline:
            raise DeadlineUnreachable

    async def _wait(self, recipe: str, queue: _Queue) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.waiting.append(turn)
        if recipe not in self._turns:
            self._turns.append(recipe)
        began = time.monotonic()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the place was given in the same moment
            else:
                self._forget(recipe, queue, turn)
            raise
        finally:
            self._observer.waited(time.monotonic() - began)

    def _forget(self, recipe: str, queue: _Queue, turn: "asyncio.Future[None]") -> None:
        if turn in queue.waiting:
            queue.waiting.remove(turn)
        if not queue.waiting and recipe in self._turns:
            self._turns.remove(recipe)

    def _leave(self) -> None:
        """Give the place to whoever is next, or back."""
        while self._turns:
            recipe = self._turns.popleft()
            queue = self._queues[recipe]
            turn = queue.waiting.popleft()
            if queue.waiting:
                self._turns.append(recipe)
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._in_progress -= 1

"""The trials that are under way: one a recipe at most, each by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, replace

import structlog

from flawgate_decision.entries import Entry, State
from flawgate_decision.reading import GoldenReader, GoldenSource
from flawgate_decision.trying import Tried, tried
from flawgate_inference.model_server import ModelServer

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Trial:
    entry: Entry
    task: "asyncio.Task[None]"


class Trials:
    """Begins them, and hands on what came of each."""

    def __init__(
        self,
        server: ModelServer,
        source: GoldenSource,
        check_back: Callable[[], Awaitable[None]],
        put: Callable[[Entry], None],
        *,
        timeout_s: float,
    ) -> None:
        """None is under way.

        Args:
            server: runs the models.
            source: of golden frames.
            check_back: asks whether a version is still served; it cancels the trial of one that is not.
            put: is given what came of a trial.
            timeout_s: longest wait for golden frames, and for the models on one of them, in seconds.
        """
        self._server = server
        self._reader = GoldenReader(source)
        self._check_back = check_back
        self._put = put
        self._timeout_s = timeout_s
        self._trials: dict[str, _Trial] = {}
        self._routine = asyncio.Lock()

    @property
    def are_over(self) -> bool:
        """Whether none is under way."""
        return not self._trials

    def begin(self, entry: Entry, *, is_routine: bool) -> None:
        """Try a recipe, unless the same version is being tried already; a trial of another version is cancelled.

        Args:
            entry: of the recipe, with its version and its counts so far.
            is_routine: whether it is in use and was tried before: such trials take turns.
        """
        running = self._trials.get(entry.name)
        if running is not None and running.entry.is_of(entry):
            return
        self.cancel(entry.name)
        # A context of its own: whoever's frame led to the look, the trial is not part of that request.
        task = asyncio.get_running_loop().create_task(self._run(entry, is_routine=is_routine), context=Context())
        self._trials[entry.name] = _Trial(entry, task)

    async def ended(self, name: str | None = None) -> None:
        """Wait for those under way, or for that of one recipe."""
        while waiting := [trial.task for each, trial in self._trials.items() if name in (None, each)]:
            await asyncio.wait(waiting)

    def cancel(self, name: str | None = None) -> None:
        """Give up all, or that of one recipe."""
        for each in [each for each in self._trials if name in (None, each)]:
            self._trials.pop(each).task.cancel()

    async def _run(self, entry: Entry, *, is_routine: bool) -> None:
        if not is_routine:
            await self._try(entry)
            return
        async with self._routine:
            await self._try(entry)

    async def _try(self, entry: Entry) -> None:
        try:
            found = await self._tried(entry)
            if found.is_gone:
                await self._check_back()
        except Exception:
            log.exception("trying a recipe failed", recipe=entry.name)
            found = Tried(replace(entry, state=State.UNAVAILABLE, detail="Trying it failed; the log says why."))
        # A trial may have been given up by its own look, which nothing tells it until it waits again.
        if self._is_under_way(entry):
            del self._trials[entry.name]
            self._put(found.entry)

    def _is_under_way(self, entry: Entry) -> bool:
        trial = self._trials.get(entry.name)
        return trial is not None and trial.entry is entry

    async def _tried(self, entry: Entry) -> Tried:
        if entry.recipe is None:
            return Tried(entry)
        return await tried(self._server, self._reader, entry, entry.recipe, timeout_s=self._timeout_s)

"""What an action is, and how one that is done once a change is tried again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from flawgate_camera.alarms.facts import Signal
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.backoff import BackOff

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"""Between two tries of an action that failed, about."""


class ActionFailed(Exception):  # noqa: N818  # reads as what happened, like those of flawgate_contracts.errors
    """A try failed; the message is a sentence for a technician, without secrets."""


Tried = Callable[[Signal, str | None], None]
"""Told of each try: of which state, and why it failed; None where it did not."""


class Action(Protocol):
    """Makes something show the state of an alarm."""

    async def run(self, wanted: Wanted, tried: Tried) -> None:
        """Follow what is wanted until cancelled. A failure is told, not raised, and what is shown is settled."""
        ...


class Telling(Protocol):
    """Something that is done once for each change.

    Attributes:
        timeout_s: longest that a try may take, in seconds.
        tries: so many at most for each change.
    """

    timeout_s: float
    tries: int

    async def tell(self, signal: Signal) -> None:
        """Do it; may be cancelled.

        Raises:
            ActionFailed: it could not be done.
        """
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class Repeated:
    """An action made of a `Telling`: one at a time and in order; a state that is no longer wanted is not told."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    async def run(self, wanted: Wanted, tried: Tried) -> None:
        """See `Action`."""
        told: Signal | None = None
        try:
            while True:
                told = await wanted.other_than(told)
                await self._tell(told, wanted, tried)
        finally:
            await self._telling.close()

    async def _tell(self, signal: Signal, wanted: Wanted, tried: Tried) -> None:
        """Try until it is done, given up, or no longer wanted."""
        backoff = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S)
        for left in reversed(range(self._telling.tries)):
            failure = await self._failure(signal)
            tried(signal, failure)
            if failure is None or not left:
                break
            if await changed(wanted, signal, backoff.after(0)):
                return
        wanted.settle(signal)

    async def _failure(self, signal: Signal) -> str | None:
        """One try; why it failed."""
        try:
            async with asyncio.timeout(self._telling.timeout_s):
                await self._telling.tell(signal)
        except ActionFailed as failure:
            return str(failure)
        except TimeoutError:
            return f"It was not done within {self._telling.timeout_s:g} s."
        return None


async def changed(wanted: Wanted, signal: Signal, within_s: float | None) -> bool:
    """Wait for so many seconds at most, or for ever; whether something else than `signal` is wanted by then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await wanted.other_than(signal)
            return True
    return False

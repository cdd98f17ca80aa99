"""The gateway's admission gate, as far as it decides who gets in: `flawgate_gateway.admission.gate`, for one recipe."""

from collections import deque
from dataclasses import dataclass

import simpy

from scaling.machine import Waiting

WEIGHT = 0.2
"""Of the newest service time in the running mean."""


class OverloadedError(Exception):
    """As many frames wait as may."""


class UnreachableError(Exception):
    """The frame cannot be done by its deadline."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The gateway's settings."""

    in_progress: int = 16
    """`GATEWAY_MAX_IN_PROGRESS`."""
    waiting: int = 32
    """`GATEWAY_MAX_WAITING`."""
    deadline_s: float = 10.0
    """`GATEWAY_DEADLINE_S`."""


class Gate:
    """Lets frames in, in the order of their arrival, or says at once that it cannot."""

    def __init__(self, env: simpy.Environment, admission: Admission) -> None:
        self._env = env
        self._admission = admission
        self._in_progress = 0
        self._waiting: deque[simpy.Event] = deque()
        self._mean_s = 0.0

    def enter(self, deadline: float) -> Waiting:
        """Ends when the frame is in.

        Raises:
            OverloadedError: too many wait.
            UnreachableError: it would be late.
        """
        full = self._in_progress >= self._admission.in_progress
        ahead = len(self._waiting) / self._admission.in_progress if full else 0.0
        self._check(deadline, 1 + ahead)
        if not full:
            self._in_progress += 1
            return
        if len(self._waiting) >= self._admission.waiting:
            raise OverloadedError
        turn = self._env.event()
        self._waiting.append(turn)
        yield turn
        try:
            self._check(deadline, 1)
        except UnreachableError:
            self._pass_on()
            raise

    def leave(self, took_s: float) -> None:
        """Give the place to who is next, and learn how long a frame takes."""
        self._mean_s = took_s if self._mean_s == 0 else self._mean_s + WEIGHT * (took_s - self._mean_s)
        self._pass_on()

    def _check(self, deadline: float, services: float) -> None:
        if self._env.now + self._mean_s * services > deadline:
            raise UnreachableError

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().succeed()
        else:
            self._in_progress -= 1

"""Whoever counts what waits, and what is not let in."""

from collections.abc import Callable
from typing import Literal, Protocol, get_args

Rejection = Literal["queue_full", "deadline_unreachable", "too_many"]
"""Why a frame is not let in: its recipe's queue is full, it could not be done in time, or too many were taken on."""
REJECTIONS: tuple[Rejection, ...] = get_args(Rejection)


class AdmissionObserver(Protocol):
    """Is told of frames before they are worked on."""

    def queue_opened(self, recipe: str, waiting: Callable[[], int]) -> None:
        """A recipe has a queue from now on; `waiting` says, from any thread, how many frames are in it."""
        ...

    def waited(self, seconds: float) -> None:
        """A frame waited so long for its place, or until it gave up."""
        ...

    def rejected(self, cause: Rejection) -> None:
        """A frame was not let in."""
        ...


class Unobserved:
    """An `AdmissionObserver` that counts nothing."""

    def queue_opened(self, recipe: str, waiting: Callable[[], int]) -> None:
        """See `AdmissionObserver`."""

    def waited(self, seconds: float) -> None:
        """See `AdmissionObserver`."""

    def rejected(self, cause: Rejection) -> None:
        """See `AdmissionObserver`."""

"""What every policy of delivery offers: to the capture thread, to the stream, and to whoever watches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from flawgate_camera.frames import CapturedFrame, DropCause, Gap

Item = CapturedFrame | Gap
"""What a stream is made of."""

OnDrop = Callable[[DropCause, int], None]
"""Told of the cause and the number of frames that were dropped here; from any thread."""


def uncounted(_cause: DropCause, _frames: int) -> None:
    """Nobody counts."""


class Policy(StrEnum):
    """What is done with frames that cannot be sent in time."""

    LOSSLESS = "lossless"
    """Kept on disk and sent later, in order."""
    LATEST = "latest"
    """The oldest is dropped, so that no answer that is acted upon is older than the budget."""
    EVERY = "every"
    """The source waits."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is waiting.

    Attributes:
        unsettled: numbers given out that have no answer yet, frames and dropped ones.
        held_bytes: of frames, in memory or on disk; of a spool with what its files hold beside them.
        oldest_age_s: of the first frame without an answer, in seconds; 0 where there is none.
    """

    unsettled: int
    held_bytes: int
    oldest_age_s: float


class Delivery(Protocol):
    """The frames of one numbering of one camera, from capture to answer.

    One thread captures: `next_sequence`, then `offer` or `drop` of that number, before the next one. One stream at a
    time sends: `first_unsettled`, `rewind`, `take` and `settle`, within one event loop. The rest is for any thread.
    """

    @property
    def policy(self) -> Policy:
        """Which one it is."""

    @property
    def stream_id(self) -> UUID:
        """Names the numbering: a new one wherever numbers begin again at 1."""

    @property
    def budget_s(self) -> float | None:
        """Longest age of an answer that may be acted upon, in seconds from the capture; None: none is too old."""

    def next_sequence(self) -> int:
        """The number of the next frame, from 1 without a hole."""

    def offer(self, frame: CapturedFrame) -> None:
        """Take a frame over, or drop it by the policy's rule. Never raises because of that."""

    def drop(self, sequence: int, cause: DropCause, moment: datetime) -> None:
        """Say that the frame of that number will never come; it was taken at `moment`."""

    def is_kept(self, sequence: int) -> bool:
        """Whether the source may forget that frame: it survives the end of this process, or needs to no more."""

    def first_unsettled(self) -> int:
        """The first number without an answer; the next one to be given out where all have one."""

    def rewind(self, recorded: int) -> None:
        """Let `take` begin anew at the first unsettled number.

        Args:
            recorded: the highest number that the gateway has on record; a frame up to it comes as a frame again.
        """

    async def take(self) -> Item:
        """The next frame or gap to send, in order; waits for one."""

    def settle(self, sequence: int) -> None:
        """All up to that number is answered, and may be forgotten."""

    async def drained(self) -> None:
        """Wait until every number that was given out and offered or dropped is answered."""

    def stop(self) -> None:
        """Take nothing over any more: what is still offered is dropped, as STOPPED."""

    def abandon(self) -> None:
        """After `stop`: drop, as STOPPED, what was not sent yet and would not outlive this process."""

    def close(self) -> None:
        """Stop, bring to the disk what belongs there, and let go of it."""

    def facts(self) -> Facts:
        """What is waiting now."""

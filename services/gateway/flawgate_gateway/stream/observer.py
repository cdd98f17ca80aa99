"""Whoever counts streams."""

from typing import Literal, Protocol

from flawgate_gateway.answer import DropCause

Outcome = Literal["inspected", "replayed", "dropped"]
"""What comes of a frame that was sent."""
OUTCOMES: tuple[Outcome, ...] = ("inspected", "replayed", "dropped")


class StreamObserver(Protocol):
    """Is told of streams, their frames and their gaps."""

    def opened(self) -> None:
        """A stream was let in."""
        ...

    def closed(self) -> None:
        """A stream that was let in has ended."""
        ...

    def settled(self, outcome: Outcome) -> None:
        """A frame that was sent is on record."""
        ...

    def dropped(self, cause: DropCause, frames: int) -> None:
        """A gap of so many frames went on record."""
        ...

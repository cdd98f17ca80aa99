"""What the parts of a camera tell to whoever watches."""

from typing import Protocol

from flawgate_camera.delivery.base import Facts
from flawgate_camera.frames import DropCause
from flawgate_camera.sources.base import Cause


class CameraObserver(Protocol):
    """Watches one camera; each method may be called from any thread, and never blocks."""

    def captured(self) -> None:
        """A frame was taken for inspection."""
        ...

    def dropped(self, cause: DropCause, frames: int) -> None:
        """So many frames were dropped."""
        ...

    def passed_over(self, pictures: int) -> None:
        """So many pictures came too late and were not looked at: the agent is slower than its camera."""
        ...

    def went_up(self) -> None:
        """It gives usable pictures."""
        ...

    def went_down(self) -> None:
        """It no longer does, or never did."""
        ...

    def failed(self, cause: Cause) -> None:
        """It failed; told at every try."""
        ...

    def waits(self, facts: Facts) -> None:
        """What waits to be sent, or answered."""
        ...

    def close(self) -> None:
        """The camera is gone: show nothing of it any more."""
        ...

"""What decides which of a camera's pictures are inspected."""

from typing import Protocol, runtime_checkable

from flawgate_camera.frames import Picture, Trigger


class TriggerSource(Protocol):
    """Asked by the capture thread for every picture of the source, in order.

    One that listens to the network queues what comes from there, thread-safe and bounded, and hands it out here.
    """

    def wanted(self, picture: Picture) -> Trigger | None:
        """What the picture is to be inspected for; None where it is not to be. Never blocks, never raises."""
        ...


@runtime_checkable
class ServedTrigger(Protocol):
    """A `TriggerSource` that works by itself too: it listens to the network."""

    async def run(self) -> None:
        """Work in the agent's event loop until cancelled.

        Raises:
            StartupError: it cannot begin, e.g. since its port is taken. The camera is then down, with that sentence
                as its cause, and this is called again after a back-off.
        """
        ...

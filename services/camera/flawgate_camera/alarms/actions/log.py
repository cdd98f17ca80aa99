"""An alarm that writes a line."""

import structlog

from flawgate_camera.alarms.facts import Signal

log = structlog.get_logger(__name__)


class LogTelling:
    """Writes `alarm on` as a warning, `alarm off` as information."""

    timeout_s = 1.0
    tries = 1

    async def tell(self, signal: Signal) -> None:
        """See `Telling`."""
        say = log.warning if signal.on else log.info
        say(f"alarm {signal.state}", **signal.told())

    async def close(self) -> None:
        """See `Telling`."""

"""The spools of a camera: one for each identity and recipe under which its frames were taken.

A frame is sent as what it was when it was taken. Where a camera's station or recipe is changed while frames lie in its
spool, they go out as before, beside the new ones, and their spool goes when all are answered.
"""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.stream.facts import OnResult, Who
from flawgate_camera.stream.streamer import Streamer
from flawgate_contracts.repository.files import put_whole
from flawgate_contracts.startup import StartupError

WHOSE = "whose.json"

OpenSpool = Callable[[Path], LosslessDelivery]
"""Opens the spool of a folder."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A spool whose camera is another one by now."""

    folder: Path
    who: Who

    async def send(self, open_spool: OpenSpool, gateway: Gateway, on_result: OnResult) -> None:
        """Send what lies in it, then delete it; cancelled before, it stays for the next start.

        Raises:
            StartupError: another process has it, or it cannot be read.
        """
        delivery = await asyncio.to_thread(open_spool, self.folder)
        frames = delivery.facts().unsettled
        if frames:
            log.info("frames of another recipe or place are sent first", **asdict(self.who), frames=frames)
        streamer = Streamer(self.who, gateway, delivery, on_result=on_result, on_state=lambda _: None)
        sending = asyncio.ensure_future(streamer.run())
        drained = asyncio.ensure_future(delivery.drained())
        try:
            await asyncio.wait({sending, drained}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            drained.cancel()
            sending.cancel()
            await asyncio.gather(sending, drained, return_exceptions=True)
            done = not delivery.facts().unsettled
            await asyncio.to_thread(delivery.close)
        if done:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


def spool_of(root: Path, who: Who) -> Path:
    """The folder of the spool for a camera as it is now; made, and labelled, where it is new.

    Raises:
        StartupError: it cannot be written.
    """
    text = json.dumps(asdict(who), sort_keys=True)
    folder = root / hashlib.sha256(text.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / WHOSE).exists():
            put_whole(folder / WHOSE, text.encode())
    except OSError as err:
        raise StartupError(
            f"The spool {folder} cannot be written: {err.strerror}; see to its disk and rights."
        ) from err
    return folder


def leftovers(root: Path, who: Who) -> Iterator[Leftover]:
    """The spools of the same camera that are not for it as it is now."""
    for label in sorted(root.glob(f"*/{WHOSE}")):
        with suppress(OSError, ValueError, TypeError):
            before = Who(**json.loads(label.read_text("utf-8")))
            if before != who:
                yield Leftover(label.parent, before)

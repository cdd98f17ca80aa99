"""The spools of a camera: one for each identity and recipe under which its frames were taken.

A frame is sent as what it was when it was taken. Where a camera's station or recipe is changed while frames lie in its
spool, they go out as before, beside the new ones, and their spool goes when all are answered. So they do where the
camera's policy is no longer `lossless`.
"""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.stream.facts import OnResult, Who
from flawgate_camera.stream.streamer import Streamer
from flawgate_contracts.repository.files import put_whole
from flawgate_contracts.startup import StartupError

WHOSE = "whose.json"

GONE = ".answered"
"""Ends the name of a spool that is being deleted."""

T = TypeVar("T")

OpenSpool = Callable[[Path], LosslessDelivery]
"""Opens the spool of a folder."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A spool whose camera is another one by now, or no longer keeps its frames on disk."""

    folder: Path
    who: Who

    async def send(self, open_spool: OpenSpool, gateway: Gateway, on_result: OnResult) -> None:
        """Send what lies in it, then delete it; cancelled before, it stays for the next start.

        Raises:
            StartupError: another process has it, or it cannot be read.
        """
        delivery = await _opened(open_spool, self.folder)
        frames = delivery.facts().unsettled
        if frames:
            log.info("frames of another recipe, place or policy are sent first", **asdict(self.who), frames=frames)
        streamer = Streamer(self.who, gateway, delivery, on_result=on_result, on_state=lambda _: None)
        sending = asyncio.ensure_future(streamer.run())
        drained = asyncio.ensure_future(delivery.drained())
        try:
            await asyncio.wait({sending, drained}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            drained.cancel()
            sending.cancel()
            await _finished(asyncio.ensure_future(_closed(delivery, sending, drained)))
        if delivery.facts().unsettled:
            sending.result()  # it ended first: by an error
            return
        await self._delete()

    async def _delete(self) -> None:
        """Out of the way at once: a new spool of the same name must not be taken for it, whenever this is cut off."""
        gone = self.folder.with_name(f"{self.folder.name}{GONE}")
        await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)  # what an earlier one left half deleted
        self.folder.rename(gone)
        await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)


async def _opened(open_spool: OpenSpool, folder: Path) -> LosslessDelivery:
    """The spool; a thread cannot be interrupted, so whoever is cancelled meanwhile waits for it and closes it."""
    opening = asyncio.ensure_future(asyncio.to_thread(open_spool, folder))
    try:
        return await _finished(opening)
    except asyncio.CancelledError:
        if opening.exception() is None:
            await asyncio.to_thread(opening.result().close)
        raise


async def _closed(delivery: LosslessDelivery, *works: asyncio.Future[None]) -> None:
    """Let the spool go once nothing takes from it any more: one that stays open is locked for the next who wants it."""
    await asyncio.gather(*works, return_exceptions=True)
    await asyncio.to_thread(delivery.close)


async def _finished(work: asyncio.Future[T]) -> T:
    """What comes of it; a cancellation waits for its end."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as err:
            cancelled = err
    if cancelled is not None:
        raise cancelled
    return work.result()


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


def leftovers(root: Path, used: Path | None) -> Iterator[Leftover]:
    """The spools of a camera that it does not fill any more.

    Args:
        root: folder of its spools.
        used: the one that it fills; None where its policy is not `lossless`.
    """
    for label in sorted(root.glob(f"*/{WHOSE}")):
        with suppress(OSError, ValueError, TypeError):
            if label.parent != used:
                yield Leftover(label.parent, Who(**json.loads(label.read_text("utf-8"))))

"""Agents' processes with a spool that are killed, each before another step, as by a power cut.

`python -m support.killed_spool FOLDER` reads a number of a step from each line, and answers with `killed`, or with
`ended` where the process came to its end before. Each process goes on with the spool that the last one left behind.
What is given away is written to the file `gateway` in the folder, as a gateway's memory.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.frames import CapturedFrame, DropCause
from support.captured import MOMENT, capture
from support.killed import Fate
from support.killed_one_by_one import killed_one_by_one, serve_kills

GATEWAY = "gateway"
SPOOL = "spool"
BOUNDS = Bounds(max_bytes=40_000, max_age_s=3600)
FRAMES = 12
FRAME_BYTES = 1500


class SharedFate(Fate):
    """As `Fate`, of a process whose threads take steps at once."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self._lock = threading.Lock()

    def __call__(self, step: str) -> None:
        """Before a step."""
        with self._lock:
            super().__call__(step)


@contextmanager
def killed_agents(folder: Path) -> Iterator[Callable[[int], bool]]:
    """Gives what runs an agent that is killed before the step of that number, and says whether it was."""
    with killed_one_by_one("support.killed_spool", str(folder)) as run:
        yield run


def _agent(folder: Path, step: int) -> None:
    """Capture frames, one of them broken, and answer all but the last ones."""
    delivery = LosslessDelivery(folder / SPOOL, BOUNDS, on_step=SharedFate(step))
    capture(delivery, FRAMES // 2, size=FRAME_BYTES, content=f"step {step}")
    delivery.drop(delivery.next_sequence(), DropCause.ENCODING_FAILED, MOMENT)
    capture(delivery, FRAMES // 2, size=FRAME_BYTES, content=f"step {step}")
    asyncio.run(_answer(delivery, folder / GATEWAY, FRAMES))
    delivery.close()


async def _answer(delivery: LosslessDelivery, gateway: Path, items: int) -> None:
    log = os.open(gateway, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for _ in range(items):
        item = await delivery.take()
        is_frame = isinstance(item, CapturedFrame)
        first, last = (item.sequence, item.sequence) if isinstance(item, CapturedFrame) else (item.first, item.last)
        content = item.data[:40].decode() if isinstance(item, CapturedFrame) else item.cause
        os.write(log, f"{first} {last} {'frame' if is_frame else 'gap'} {content}\n".encode())
        delivery.settle(last)


if __name__ == "__main__":
    serve_kills(partial(_agent, Path(sys.argv[1])))

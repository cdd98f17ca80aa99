"""A spool on a disk that is full for a while. `python -m support.full_disk FOLDER` prints what it `took`.

The system's own bound on the length of a file stands for the disk: it refuses in the midst of a write, as a disk does.
"""

import asyncio
import resource
import sys
from pathlib import Path

from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from support.captured import capture, settled

FRAME_BYTES = 40_000
LIMIT_BYTES = 100_000


async def _main(folder: Path) -> None:
    delivery = LosslessDelivery(folder, Bounds(max_bytes=100_000_000, max_age_s=3600))
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, most))
    capture(delivery, 5, size=FRAME_BYTES)
    taken = await settled(delivery, 5)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    capture(delivery, 2, size=FRAME_BYTES)
    taken += await settled(delivery, 7)
    delivery.close()
    for item in taken:
        print("took", *item)  # noqa: T201 - what the caller reads


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.captured import capture, settled
from support.killed_spool import GATEWAY, killed_agents
from support.streamed import until

from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds

TESTS = Path(__file__).parents[2]
STEPS = 60


def test_every_number_ends_whenever_the_agent_is_killed(tmp_path: Path) -> None:
    """However many agents are killed, each before another step, no number has two contents, and none is missing."""
    with killed_agents(tmp_path) as run:
        killed = [run(step) for step in range(STEPS)]
        assert killed[0]
        assert not run(100_000)
    contents: dict[int, str] = {}
    for line in (tmp_path / GATEWAY).read_text().splitlines():
        first, last, content = line.split(" ", 2)
        for number in range(int(first), int(last) + 1):
            assert contents.setdefault(number, content) == content
    assert sorted(contents) == list(range(1, max(contents) + 1))
    assert sum(killed) > STEPS // 3


def test_a_full_disk_drops_the_new_frames_and_nothing_else(tmp_path: Path) -> None:
    """What the disk refuses is a gap, SPOOL_FULL; what it took before is whole, and frames go on once it has room."""
    done = subprocess.run(
        [sys.executable, "-m", "support.full_disk", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    taken = [line.removeprefix("took ") for line in done.stdout.splitlines() if line.startswith("took ")]
    assert taken == ["1 1 frame", "2 2 frame", "3 5 SPOOL_FULL", "6 6 frame", "7 7 frame"]


class FailingStep:
    """Raises before a step of the disk's, as often as it is told."""

    def __init__(self, step: str, error: Exception) -> None:
        self._step, self._error = step, error
        self.left = 0

    def __call__(self, step: str) -> None:
        """See `OnStep`."""
        if step == self._step and self.left:
            self.left -= 1
            raise self._error


async def test_a_file_that_cannot_be_deleted_ends_nothing(tmp_path: Path) -> None:
    """The disk refuses to forget an answered file: frames go on, and the next start finds none of them unanswered."""
    refuses = FailingStep("remove", OSError(errno.EIO, "Input/output error"))
    delivery = LosslessDelivery(tmp_path, Bounds(max_bytes=8_000, max_age_s=3600), on_step=refuses)
    refuses.left = 1
    for _ in range(8):
        capture(delivery, 1, size=300)
        await settled(delivery, delivery.first_unsettled())
    delivery.close()
    assert refuses.left == 0
    again = LosslessDelivery(tmp_path, Bounds(max_bytes=8_000, max_age_s=3600))
    assert (again.stream_id, again.facts().unsettled) == (delivery.stream_id, 0)
    again.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_spool_whose_writer_fell_is_free(tmp_path: Path) -> None:
    """A camera that is started anew by a reload opens it again, without a new process."""
    bug = FailingStep("append", ZeroDivisionError("A bug."))
    bug.left = 1
    delivery = LosslessDelivery(tmp_path, Bounds(max_bytes=8_000, max_age_s=3600), on_step=bug)
    capture(delivery, 1)
    await until(lambda: not bug.left)
    delivery.close()
    LosslessDelivery(tmp_path, Bounds(max_bytes=8_000, max_age_s=3600)).close()

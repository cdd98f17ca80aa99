import os
import subprocess
import sys
from pathlib import Path

from support.killed_spool import GATEWAY, killed_agents

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

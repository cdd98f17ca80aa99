"""Purges that are killed, each before another step, as by a power cut.

`python -m support.killed_purge FOLDER DATABASE_URL` reads a number of a step from each line, and answers with `killed`,
or with `ended` where the purge came to its end before.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flawgate_gateway.archive.folder import FolderStore
from flawgate_gateway.archive.sweeping import PREFIXES
from flawgate_gateway.database.connections import connect
from flawgate_gateway.database.migrating import upgrade
from support.archives import Pictures, always
from support.killed import Fate

TESTS = Path(__file__).parents[1]


@contextmanager
def killed_purges(folder: Path, database_url: str) -> Iterator[Callable[[int], bool]]:
    """Gives what purges an archive, is killed before the step of that number, and says whether it was."""
    purger = subprocess.Popen(
        [sys.executable, "-m", "support.killed_purge", str(folder), database_url],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert purger.stdin is not None
    assert purger.stdout is not None
    asked, told = purger.stdin, purger.stdout

    def purge(step: int) -> bool:
        asked.write(f"{step}\n")
        asked.flush()
        answer = told.readline()
        assert answer in ("killed\n", "ended\n")
        return answer == "killed\n"

    try:
        yield purge
    finally:
        asked.close()
        purger.wait()
        told.close()


async def _purge(folder: Path, database_url: str, step: int) -> None:
    database = connect(database_url)
    await upgrade(database)
    pictures = Pictures(database, FolderStore(folder))
    await pictures.purge(on_step=Fate(step)).run(PREFIXES, always)
    await database.close()


def _main(folder: Path, database_url: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(_purge(folder, database_url, int(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, -signal.SIGKILL):
            sys.exit(f"the purge ended with {code}")
        print("killed" if code else "ended", flush=True)  # noqa: T201 - what the caller reads


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2])

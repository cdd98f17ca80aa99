"""Purges that are killed, each before another step, as by a power cut.

`python -m support.killed_purge FOLDER DATABASE_URL` reads a number of a step from each line, and answers with `killed`,
or with `ended` where the purge came to its end before.
"""

import asyncio
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
from support.killed_one_by_one import killed_one_by_one, serve_kills


@contextmanager
def killed_purges(folder: Path, database_url: str) -> Iterator[Callable[[int], bool]]:
    """Gives what purges an archive, is killed before the step of that number, and says whether it was."""
    with killed_one_by_one("support.killed_purge", str(folder), database_url) as purge:
        yield purge


async def _purge(folder: Path, database_url: str, step: int) -> None:
    database = connect(database_url)
    await upgrade(database)
    pictures = Pictures(database, FolderStore(folder))
    await pictures.purge(on_step=Fate(step)).run(PREFIXES, always)
    await database.close()


def _main(folder: Path, database_url: str) -> None:
    serve_kills(lambda step: asyncio.run(_purge(folder, database_url, step)))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2])

import asyncio
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from support.archives import Pictures, files_below
from support.pictures import spot_png

from flawgate_gateway.archive.keeper import PURGE, Keeper
from flawgate_gateway.database.leases import Lease

PATIENCE_S = 30


def keeper_of(pictures: Pictures) -> Keeper:
    """That purges without a pause."""
    return Keeper(pictures.database, pictures.budget, pictures.purge(), pictures.observer, interval_s=0.01)


async def until(done: Callable[[], bool], keeper: Keeper) -> None:
    """Let it work until something is so."""
    running = asyncio.ensure_future(keeper.run())
    async with asyncio.timeout(PATIENCE_S):
        while not done():
            assert not running.done()
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_keeper_counts_and_purges(pictures: Pictures, folder: Path) -> None:
    """What is over goes without anybody's asking, and what is held is shown."""
    kept = await pictures.keep(spot_png(1))
    archived = await pictures.archived(kept)
    assert archived is not None
    await until(lambda: files_below(folder, ".") == [] and pictures.observer.levels[-1] == 0, keeper_of(pictures))
    assert pictures.observer.purges == {"OK": 1}
    assert archived.stored_bytes in pictures.observer.levels


async def test_only_one_gateway_purges(pictures: Pictures) -> None:
    """While another has the lease, this one only counts."""
    kept = await pictures.keep(spot_png(1))
    await Lease(pictures.database, PURGE, lasts_s=60).acquire()
    counts = len(pictures.observer.levels)
    await until(lambda: len(pictures.observer.levels) > counts + 3, keeper_of(pictures))
    assert await pictures.are_kept(kept) == [True]
    assert pictures.observer.ended == 0


async def test_the_keeper_goes_on_after_a_failure(
    pictures: Pictures, folder: Path, logs: list[MutableMapping[str, Any]]
) -> None:
    """An archive that cannot be used is told and counted, and purged once it can."""
    await pictures.keep(spot_png(1))
    (folder / "quarantine").write_bytes(b"")
    await until(lambda: pictures.observer.failures["purge"] > 1, keeper_of(pictures))
    assert "ARCHIVE_UNAVAILABLE" in {line.get("reason") for line in logs}
    (folder / "quarantine").unlink()
    await until(lambda: files_below(folder, ".") == [], keeper_of(pictures))


async def test_a_full_archive_is_told_once(pictures: Pictures, logs: list[MutableMapping[str, Any]]) -> None:
    """When it gets full and when there is room again, not with each part."""
    pictures.budget.add(2**40)
    pictures.budget.add(1)
    await pictures.budget.count(pictures.database)
    assert [line["event"] for line in logs if "archive" in line["event"]] == [
        "archive is full: pictures of good parts are not kept",
        "archive has room again",
    ]

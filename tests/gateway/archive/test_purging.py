import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from support.archives import Pictures, always, days_ago, evidence_of, files_below
from support.pictures import spot_png
from support.records import inspection

from flawgate_contracts.errors import ArchiveUnavailable
from flawgate_gateway.answer import FrameFacts
from flawgate_gateway.archive.blobs import Quarantined, sha256_of
from flawgate_gateway.archive.holds import HoldBook, HoldOrder
from flawgate_gateway.archive.sweeping import PREFIXES
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import evidence

HOUR_US = 3_600_000_000


async def test_what_is_over_goes_and_the_rest_stays(pictures: Pictures, folder: Path) -> None:
    """By evaluation; nothing of what went is left in the archive, and all of what stayed."""
    old_ok = await pictures.keep(spot_png(1), decided_at=days_ago(31))
    new_ok = await pictures.keep(spot_png(2), decided_at=days_ago(29))
    bad = await pictures.keep(spot_png(3), decided_at=days_ago(31), evaluation="NOT_OK")
    old_bad = await pictures.keep(spot_png(4), decided_at=days_ago(366), evaluation="NOT_OK")
    report = await pictures.purge().run((), always)
    assert await pictures.are_kept(old_ok, new_ok, bad, old_bad) == [False, True, True, False]
    assert (report.pictures, report.deleted) == ({"OK": 1, "NOT_OK": 1}, 4)
    assert len(files_below(folder, ".")) == 4
    assert pictures.observer.purges == {"OK": 1, "NOT_OK": 1}


@pytest.mark.parametrize("named", ["inspection_id", "part", "lot"])
async def test_what_a_hold_names_stays_until_it_is_released(pictures: Pictures, named: str) -> None:
    """However old it is; then it goes with the next purge."""
    held = await pictures.keep(spot_png(1), part="SN-1", lot="L-1")
    other = await pictures.keep(spot_png(2), part="SN-2", lot="L-2")
    book = HoldBook(pictures.database)
    hold = await book.place(HoldOrder.model_validate({named: getattr(held, named), "reason": "why"}), "anna")
    await pictures.purge().run(PREFIXES, always)
    assert await pictures.are_kept(held, other) == [True, False]
    await book.release(hold.hold_id, "anna")
    await pictures.purge().run(PREFIXES, always)
    assert await pictures.are_kept(held) == [False]


async def test_a_full_archive_keeps_what_a_hold_names(pictures: Pictures) -> None:
    """Also the oldest picture of a good part, which would be the first to go."""
    held = await pictures.keep(spot_png(1), decided_at=days_ago(2), lot="L-1")
    other = await pictures.keep(spot_png(2), decided_at=days_ago(1))
    await HoldBook(pictures.database).place(HoldOrder(lot="L-1", reason="why"), "anna")
    await pictures.purge(max_bytes=0).run((), always)
    assert await pictures.are_kept(held, other) == [True, False]


async def test_a_full_archive_loses_its_oldest_good_parts_and_no_more(pictures: Pictures) -> None:
    """Bad parts stay, whatever the bound; of the good ones only so many go as must."""
    bad = await pictures.keep(spot_png(1), decided_at=days_ago(9), evaluation="NOT_OK")
    good = [await pictures.keep(spot_png(2 + n), decided_at=days_ago(9 - n)) for n in range(4)]
    sizes = [archived.stored_bytes for each in (bad, *good) if (archived := await pictures.archived(each))]
    await pictures.purge(max_bytes=sum(sizes) - sizes[1] - 1).run((), always)
    assert await pictures.are_kept(bad, *good) == [True, False, False, True, True]
    await pictures.purge(max_bytes=0).run((), always)
    assert await pictures.are_kept(bad, *good) == [True, False, False, False, False]


async def test_a_frame_that_came_twice_stays_for_the_younger(pictures: Pictures, folder: Path) -> None:
    """Its blobs lie there once; they go with the last record that names them."""
    old = await pictures.keep(spot_png(1), decided_at=days_ago(40))
    young = await pictures.keep(spot_png(1), decided_at=days_ago(1))
    await pictures.purge().run(PREFIXES, always)
    assert await pictures.are_kept(old, young) == [False, True]
    await _age(pictures, young.inspection_id)
    await pictures.purge().run(PREFIXES, always)
    assert files_below(folder, ".") == []


async def _age(pictures: Pictures, inspection_id: str) -> None:
    """Let an inspection's time be over."""
    async with pictures.database.writing() as connection:
        mine = evidence.c.inspection_id == inspection_id
        await connection.execute(update(evidence).where(mine).values(keep_until_us=0))


async def test_a_purge_takes_many_batches(pictures: Pictures) -> None:
    """All go, whatever number goes together."""
    kept = [await pictures.keep(spot_png(n)) for n in range(7)]
    report = await pictures.purge(batch=2).run((), always)
    assert report.pictures == {"OK": 7}
    assert await pictures.are_kept(*kept) == [False] * 7


async def test_a_purge_that_lost_its_lease_stops(pictures: Pictures) -> None:
    """Another goes on with the rest."""
    kept = await pictures.keep(spot_png(1))

    async def lost() -> bool:
        return False

    report = await pictures.purge().run(PREFIXES, lost)
    assert not report.did_anything
    assert await pictures.are_kept(kept) == [True]


async def test_blobs_of_which_no_record_came_go_once_they_are_old(pictures: Pictures, folder: Path) -> None:
    """The gateway was killed between archive and record, or the database was down; young ones may yet get theirs."""
    kept = inspection(frame=FrameFacts(width=24, height=32, sha256=sha256_of(spot_png(255))))
    await pictures.archive.put(kept, evidence_of())
    assert (await pictures.purge(grace_s=3600).run(PREFIXES, always)).orphans == 0
    assert (await pictures.purge().run(PREFIXES, always)).orphans == 2
    assert files_below(folder, ".") == []


async def test_an_archive_of_another_database_is_left_alone(
    pictures: Pictures, folder: Path, logs: list[MutableMapping[str, Any]]
) -> None:
    """A gateway that is started over a wrong database deletes no evidence of the right one by itself, and says so."""
    for frame in (spot_png(number) for number in range(3)):
        of_another = inspection(frame=FrameFacts(width=24, height=32, sha256=sha256_of(frame)))
        await pictures.archive.put(of_another, evidence_of(frame))
    kept = await pictures.keep(spot_png(9), decided_at=days_ago(0))
    before = files_below(folder, ".")
    assert (await pictures.purge().run(PREFIXES, always, careful=True)).orphans == 0
    assert files_below(folder, ".") == before
    assert sum(line["without_record"] for line in logs if "right database" in line["event"]) == 6
    assert (await pictures.purge().run(PREFIXES, always)).orphans == 6
    assert await pictures.are_kept(kept) == [True]


async def test_a_record_that_comes_during_a_purge_keeps_its_blobs(pictures: Pictures, folder: Path) -> None:
    """Another gateway found the old blob there, and has not written its record yet when the purge takes it away."""
    await pictures.keep(spot_png(1))
    again = inspection(frame=FrameFacts(width=24, height=32, sha256=sha256_of(spot_png(1))))
    archived = await pictures.archive.put(again, evidence_of(spot_png(1)))
    careful = pictures.purge(grace_s=3600)
    await careful.run(PREFIXES, always)
    assert len(files_below(folder, "quarantine")) == 2
    await pictures.record(again, archived)
    assert await pictures.are_kept(again) == [True]
    report = await pictures.purge().run(PREFIXES, always)
    assert (report.restored, report.deleted) == (2, 0)
    assert await pictures.are_kept(again) == [True]
    assert len(files_below(folder, "blobs")) == 2


async def test_the_same_frame_comes_and_comes_while_purges_run(pictures: Pictures) -> None:
    """Ten gateways keep it, and expire it, while two purge: whatever is on record can be read at every moment."""
    frame = spot_png(7)

    async def come(number: int) -> None:
        for _ in range(5):
            old = await pictures.keep(frame)
            young = await pictures.keep(frame, decided_at=days_ago(number))
            assert await pictures.are_kept(young) == [True]
            await _age(pictures, young.inspection_id)
            await _age(pictures, old.inspection_id)

    async def purge() -> None:
        while not coming.done():
            await pictures.purge(grace_s=3600).run((), always)
            await asyncio.sleep(0)

    coming = asyncio.gather(*(come(number) for number in range(10)))
    await asyncio.gather(coming, purge(), purge())
    last = await pictures.keep(frame, decided_at=days_ago(1))
    await pictures.purge().run(PREFIXES, always)
    assert await pictures.are_kept(last) == [True]


async def test_an_archive_that_fails_is_purged_later(pictures: Pictures, folder: Path) -> None:
    """What was marked by then is not on record any more, and its blobs go with the next purge."""
    kept = await pictures.keep(spot_png(1))
    (folder / "quarantine").write_bytes(b"")
    with pytest.raises(ArchiveUnavailable):
        await pictures.purge().run(PREFIXES, always)
    assert await pictures.are_kept(kept) == [False]
    (folder / "quarantine").unlink()
    await pictures.purge().run((), always)
    assert files_below(folder, ".") == []


async def test_what_was_purged_stays_on_record_as_such(pictures: Pictures) -> None:
    """With the moment, and without the digests of blobs that are gone."""
    kept = await pictures.keep(spot_png(1))
    before = now_us()
    await pictures.purge().run((), always)
    async with pictures.database.reading() as connection:
        query = select(evidence).where(evidence.c.inspection_id == kept.inspection_id)
        row = (await connection.execute(query)).mappings().one()
    assert before <= row["purged_at_us"] <= now_us()
    assert (row["frame_sha256"], row["mask_sha256"]) == (None, None)


async def test_quarantine_lasts_as_long_as_a_record_may_be_about_to_come(pictures: Pictures) -> None:
    """An isolated blob of half an hour stays, one of two hours goes."""
    young, old = sha256_of(b"young"), sha256_of(b"old")
    for digest, data, age_us in ((young, b"young", HOUR_US // 2), (old, b"old", 2 * HOUR_US)):
        await pictures.blobs.put(digest, data)
        await pictures.blobs.quarantine(digest, now_us() - age_us)
    report = await pictures.purge(grace_s=3600).run((), always)
    assert report.deleted == 1
    left = await pictures.blobs.quarantined()
    assert [type(blob) for blob in left] == [Quarantined]
    assert left[0].digest == young

from pathlib import Path

from support.archives import Pictures, always, days_ago, evidence_of, files_below
from support.killed_purge import killed_purges
from support.pictures import spot_png
from support.records import inspection

from flawgate_gateway.answer import FrameFacts
from flawgate_gateway.archive.blobs import sha256_of
from flawgate_gateway.archive.holds import HoldBook, HoldOrder
from flawgate_gateway.archive.sweeping import PREFIXES

STEPS = 12
"""A mark, two blobs isolated, one forgotten, two orphans, and six blobs of the quarantine: about so many."""


async def test_a_purge_killed_before_any_of_its_steps_loses_nothing(
    pictures: Pictures, folder: Path, database_url: str
) -> None:
    """Killed by -9 again and again: what is on record can be read after each, and in the end only that is left."""
    shared = await pictures.keep(spot_png(1), decided_at=days_ago(1))
    held = await pictures.keep(spot_png(2), lot="L-1")
    await HoldBook(pictures.database).place(HoldOrder(lot="L-1", reason="why"), "anna")
    gone, killed = [], 0
    with killed_purges(folder, database_url) as purge:
        for step in range(STEPS):
            gone += [await pictures.keep(spot_png(1)), await pictures.keep(spot_png(10 + step))]
            await _put_without_record(pictures, spot_png(100 + step))
            killed += purge(step)
            assert await pictures.are_kept(shared, held) == [True, True]
            await pictures.are_kept(*gone)
    assert killed >= STEPS - 2
    for _ in range(2):
        await pictures.purge().run(PREFIXES, always)
    assert await pictures.are_kept(shared, held, *gone) == [True, True, *[False] * len(gone)]
    assert len(files_below(folder, ".")) == 4


async def _put_without_record(pictures: Pictures, frame: bytes) -> None:
    """As a gateway does that is killed between archive and record."""
    facts = FrameFacts(width=24, height=32, sha256=sha256_of(frame))
    await pictures.archive.put(inspection(frame=facts), evidence_of(frame))

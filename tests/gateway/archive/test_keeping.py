from pathlib import Path

import numpy as np
import pytest
from support.archives import ALL_KEPT, CountedPictures, evidence_of, files_below
from support.records import START, inspection
from uuid_utils import uuid7

from flawgate_contracts.errors import ArchiveUnavailable, PictureNotKept
from flawgate_gateway.answer import FrameFacts, Inspection
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.archive.blobs import Blobs, BlobStore, sha256_of
from flawgate_gateway.archive.budget import Budget
from flawgate_gateway.archive.folder import FolderStore
from flawgate_gateway.archive.keeping import PictureArchive
from flawgate_gateway.archive.retention import Retention
from flawgate_gateway.database.moments import to_us
from flawgate_gateway.frames import RawLayout
from flawgate_gateway.ports import Evidence

DAY_US = 86_400_000_000


def archive_of(
    store: BlobStore, observer: CountedPictures, *, retention: Retention = ALL_KEPT, max_bytes: int = 2**40
) -> PictureArchive:
    """An archive with a budget."""
    blobs = Blobs(store, workers=4, timeout_s=20)
    return PictureArchive(blobs, retention, Budget(max_bytes=max_bytes, observer=observer), observer)


def inspected(evidence: Evidence, evaluation: str = "OK") -> Inspection:
    """An inspection of its frame."""
    facts = FrameFacts(width=24, height=32, sha256=sha256_of(evidence.frame.data))
    return inspection(frame=facts, evaluation=evaluation)


@pytest.mark.parametrize(
    "evidence",
    [
        evidence_of(mask=np.random.default_rng(0).integers(0, 256, (3, 40, 30), np.uint8)),
        evidence_of(bytes(24 * 32), layout=RawLayout(24, 32, 1)),
        Evidence(evidence_of().frame, evidence_of().facts, None, evidence_of().geometry),
        evidence_of(explanation=np.arange(12, dtype=np.uint8).reshape(3, 4)),
    ],
    ids=["mask of three classes", "raw pixels", "no mask", "explanation"],
)
async def test_evidence_comes_back_as_it_was(store: BlobStore, evidence: Evidence) -> None:
    """Frame, layout, masks, geometry and what the recipe was: in a folder and in S3."""
    observer = CountedPictures()
    archive = archive_of(store, observer)
    archived = await archive.put(inspected(evidence), evidence)
    assert archived is not None
    read = await archive.get(Archived(**archived.columns()))
    assert (read.frame, read.facts, read.geometry) == (evidence.frame, evidence.facts, evidence.geometry)
    for was, now in ((evidence.mask, read.mask), (evidence.explanation, read.explanation)):
        assert (was is None) == (now is None)
        np.testing.assert_array_equal(np.asarray(now), np.asarray(was))
    assert await archive.get_frame(archived) == evidence.frame
    assert (observer.kept_of, observer.kept_bytes) == ({"OK": 1}, archived.stored_bytes)


async def test_the_frame_lies_there_as_it_came(folder: Path) -> None:
    """Under the SHA-256 that the record says, so that it can be found and checked without Flawgate."""
    evidence = evidence_of()
    archived = await archive_of(FolderStore(folder), CountedPictures()).put(inspected(evidence), evidence)
    assert archived is not None
    digest = sha256_of(evidence.frame.data)
    assert archived.frame_sha256 == digest
    assert (folder / "blobs" / digest[:2] / digest[2:4] / digest).read_bytes() == evidence.frame.data


async def test_the_same_picture_lies_there_once(folder: Path) -> None:
    """Two inspections of it, each with the same mask."""
    archive, evidence = archive_of(FolderStore(folder), CountedPictures()), evidence_of()
    for _ in range(2):
        await archive.put(inspected(evidence), evidence)
    assert len(files_below(folder, ".")) == 2


@pytest.mark.parametrize(("evaluation", "days"), [("OK", 30), ("NOT_OK", 365), ("NOT_DECIDABLE", 90)])
async def test_the_evaluation_says_how_long(folder: Path, evaluation: str, days: int) -> None:
    """Counted from when the part was decided."""
    retention = Retention(ok_one_in=1, ok_days=30, not_ok_days=365, not_decidable_days=90)
    archive, evidence = archive_of(FolderStore(folder), CountedPictures(), retention=retention), evidence_of()
    archived = await archive.put(inspected(evidence, evaluation), evidence)
    assert archived is not None
    assert archived.keep_until_us == to_us(START) + days * DAY_US


@pytest.mark.parametrize(("one_in", "least", "most"), [(0, 0, 0), (1, 1000, 1000), (4, 200, 300)])
def test_good_parts_are_sampled_evenly(one_in: int, least: int, most: int) -> None:
    """So many of a thousand; whoever asks again gets the same answer."""
    retention = Retention(ok_one_in=one_in, ok_days=1, not_ok_days=1, not_decidable_days=1)
    good = [inspection(inspection_id=str(uuid7())) for _ in range(1000)]
    sampled = [retention.samples(each) for each in good]
    assert least <= sum(sampled) <= most
    assert [retention.samples(each) for each in good] == sampled


@pytest.mark.parametrize(("evaluation", "kept"), [("OK", False), ("NOT_OK", True), ("NOT_DECIDABLE", True)])
@pytest.mark.parametrize(("one_in", "max_bytes", "cause"), [(0, 2**40, "sampling"), (1, 0, "full")])
async def test_only_good_parts_go_without_pictures(
    folder: Path, evaluation: str, *, kept: bool, one_in: int, max_bytes: int, cause: str
) -> None:
    """Neither sampling nor a full archive costs the picture of a bad part; each that is not kept is counted."""
    observer, evidence = CountedPictures(), evidence_of()
    retention = Retention(ok_one_in=one_in, ok_days=1, not_ok_days=1, not_decidable_days=1)
    archive = archive_of(FolderStore(folder), observer, retention=retention, max_bytes=max_bytes)
    archived = await archive.put(inspected(evidence, evaluation), evidence)
    assert (archived is not None) == kept
    assert observer.skips == ({} if kept else {cause: 1})


async def test_what_was_purged_is_not_kept(folder: Path) -> None:
    """Whoever still holds the row of before is told so."""
    archive, evidence = archive_of(FolderStore(folder), CountedPictures()), evidence_of()
    archived = await archive.put(inspected(evidence), evidence)
    assert archived is not None
    emptied = {"frame_sha256": None, "mask_sha256": None, "explanation_sha256": None}
    with pytest.raises(PictureNotKept):
        await archive.get(Archived(**{**archived.columns(), **emptied}))


async def test_an_archive_that_fails_is_counted(tmp_path: Path) -> None:
    """A part whose evidence cannot be kept is not answered as inspected."""
    (tmp_path / "pictures").write_bytes(b"")
    observer, evidence = CountedPictures(), evidence_of()
    archive = archive_of(FolderStore(tmp_path / "pictures"), observer)
    with pytest.raises(ArchiveUnavailable):
        await archive.put(inspected(evidence), evidence)
    assert observer.failures == {"put": 1}

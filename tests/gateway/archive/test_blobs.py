from pathlib import Path

import pytest
from support.object_store import S3Server

from flawgate_contracts.errors import ArchiveUnavailable
from flawgate_gateway.archive.blobs import Blobs, BlobStore, Quarantined, sha256_of
from flawgate_gateway.archive.folder import FolderStore
from flawgate_gateway.archive.objects import ObjectStore

DATA = b"a frame"
DIGEST = sha256_of(DATA)
NOW_US = 1_790_000_000_000_000


@pytest.mark.parametrize("data", [b"", b"\0", DATA, bytes(range(256)) * 12_000], ids=["empty", "byte", "few", "3 MB"])
async def test_what_is_put_comes_back(blobs: Blobs, data: bytes) -> None:
    """Byte for byte, however often it is put."""
    digest = sha256_of(data)
    await blobs.put(digest, data)
    await blobs.put(digest, data)
    assert await blobs.get(digest) == data
    assert [blob.digest for blob in await blobs.listed(digest[:2])] == [digest]


async def test_a_missing_blob_is_named(blobs: Blobs) -> None:
    """Whoever restores from a backup knows which."""
    with pytest.raises(ArchiveUnavailable, match=f"{DIGEST} is missing"):
        await blobs.get(DIGEST)


async def test_a_damaged_blob_is_named_and_never_given(store: BlobStore, blobs: Blobs) -> None:
    """What lies there under the digest is not what was put."""
    store.put(DIGEST, b"a flame")
    with pytest.raises(ArchiveUnavailable, match=f"{DIGEST} in the archive of pictures is damaged"):
        await blobs.get(DIGEST)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", DIGEST.upper(), DIGEST + "\n", DIGEST[:-1], "/" + DIGEST[1:], "", "." * 64]
)
async def test_only_a_digest_becomes_a_path(blobs: Blobs, name: str) -> None:
    """Reading, writing and moving alike."""
    with pytest.raises(ArchiveUnavailable, match="no SHA-256"):
        await blobs.get(name)
    with pytest.raises(ArchiveUnavailable, match="no SHA-256"):
        await blobs.put(name, DATA)
    with pytest.raises(ArchiveUnavailable, match="no SHA-256"):
        await blobs.quarantine(name, NOW_US)


async def test_a_quarantined_blob_is_still_read(blobs: Blobs) -> None:
    """It has left its place, but nobody who needs it notices."""
    await blobs.put(DIGEST, DATA)
    await blobs.quarantine(DIGEST, NOW_US)
    assert await blobs.listed(DIGEST[:2]) == []
    assert await blobs.quarantined() == [Quarantined(DIGEST, NOW_US)]
    assert await blobs.get(DIGEST) == DATA


async def test_a_quarantined_blob_goes_back(blobs: Blobs) -> None:
    """And is as it was; putting it back twice is no harm."""
    await blobs.put(DIGEST, DATA)
    await blobs.quarantine(DIGEST, NOW_US)
    for _ in range(2):
        await blobs.restore(Quarantined(DIGEST, NOW_US))
    assert await blobs.quarantined() == []
    assert [blob.digest for blob in await blobs.listed(DIGEST[:2])] == [DIGEST]
    assert await blobs.get(DIGEST) == DATA


async def test_a_discarded_blob_is_gone(blobs: Blobs) -> None:
    """Also when it is discarded twice."""
    await blobs.put(DIGEST, DATA)
    await blobs.quarantine(DIGEST, NOW_US)
    for _ in range(2):
        await blobs.discard(Quarantined(DIGEST, NOW_US))
    with pytest.raises(ArchiveUnavailable, match="missing"):
        await blobs.get(DIGEST)


async def test_a_blob_put_anew_outlives_its_quarantine(blobs: Blobs) -> None:
    """What was isolated before is a thing of its own, twice over."""
    for moment in (NOW_US, NOW_US + 1):
        await blobs.put(DIGEST, DATA)
        await blobs.quarantine(DIGEST, moment)
    await blobs.put(DIGEST, DATA)
    assert sorted(blob.since_us for blob in await blobs.quarantined()) == [NOW_US, NOW_US + 1]
    for blob in await blobs.quarantined():
        await blobs.discard(blob)
    assert await blobs.get(DIGEST) == DATA


async def test_what_is_not_there_is_quarantined_without_a_word(blobs: Blobs) -> None:
    """A purge that was killed repeats its last step."""
    await blobs.quarantine(DIGEST, NOW_US)
    assert await blobs.quarantined() == []


async def test_a_store_that_can_be_used_says_so(blobs: Blobs) -> None:
    """Before the first blob and after it; looking leaves nothing behind."""
    await blobs.check()
    await blobs.put(DIGEST, DATA)
    await blobs.check()
    assert [blob.digest for blob in await blobs.listed(DIGEST[:2])] == [DIGEST]
    assert await blobs.quarantined() == []


async def test_a_bucket_that_is_gone_says_so(s3: S3Server, bucket_url: str) -> None:
    """To S3's client it looks like a picture that is not there, and nothing can be put into it."""
    blobs = Blobs(ObjectStore(bucket_url), workers=1, timeout_s=20)
    await blobs.check()
    s3.delete_bucket(bucket_url)
    with pytest.raises(ArchiveUnavailable):
        await blobs.check()
    blobs.close()


async def test_a_folder_that_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    """Such as where a file stands in its place."""
    (tmp_path / "pictures").touch()
    blobs = Blobs(FolderStore(tmp_path / "pictures"), workers=1, timeout_s=20)
    with pytest.raises(ArchiveUnavailable):
        await blobs.check()
    blobs.close()

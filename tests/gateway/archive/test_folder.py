import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.archives import files_below

from flawgate_contracts.errors import ArchiveUnavailable, DiskFull
from flawgate_gateway.archive.blobs import Blobs, sha256_of
from flawgate_gateway.archive.folder import FolderStore
from flawgate_gateway.database.moments import now_us

DATA = b"a frame"
DIGEST = sha256_of(DATA)

WRITE_ON = """
import sys, os
from pathlib import Path
from flawgate_gateway.archive.blobs import sha256_of
from flawgate_gateway.archive.folder import FolderStore
store = FolderStore(Path(sys.argv[1]))
print("writing", flush=True)
while True:
    data = os.urandom(1_000_000)
    store.put(sha256_of(data), data)
"""


class FailingStore(FolderStore):
    """A folder whose disk refuses to take a file to its end."""

    def __init__(self, root: Path, code: int) -> None:
        super().__init__(root)
        self._code = code

    def _written(self, data: bytes) -> Path:
        super()._written(data).unlink()
        raise OSError(self._code, os.strerror(self._code), str(self._staging))


def blobs_in(store: FolderStore) -> Blobs:
    """Behind threads."""
    return Blobs(store, workers=2, timeout_s=20)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EROFS, ArchiveUnavailable),
        (errno.EACCES, ArchiveUnavailable),
        (errno.EIO, ArchiveUnavailable),
    ],
)
async def test_a_disk_that_refuses_is_told_by_its_cause(tmp_path: Path, code: int, error: type[Exception]) -> None:
    """A full one apart from one that is read-only or broken; no path is told, and nothing half written is left."""
    with pytest.raises(error) as raised:
        await blobs_in(FailingStore(tmp_path, code)).put(DIGEST, DATA)
    assert str(tmp_path) not in str(raised.value)
    assert files_below(tmp_path, ".") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount, unmount = shutil.which("mount") or "", shutil.which("umount") or ""
    options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs"]
    if (
        os.geteuid() != 0
        or subprocess.run([mount, *options, folder], stderr=subprocess.DEVNULL, check=False).returncode
    ):
        pytest.skip("only an administrator can mount a small disk")
    yield folder
    subprocess.run([unmount, folder], check=True)


async def test_a_really_full_disk_keeps_what_it_had(small_disk: Path) -> None:
    """The blob that does not fit leaves nothing behind, and those before it are whole."""
    blobs = blobs_in(FolderStore(small_disk / "pictures"))
    await blobs.put(DIGEST, DATA)
    large = os.urandom(1_000_000)
    with pytest.raises(DiskFull, match="No space is left"):
        await blobs.put(sha256_of(large), large)
    assert await blobs.get(DIGEST) == DATA
    assert files_below(small_disk, "pictures") == [DIGEST]


async def test_a_folder_that_is_none_is_unavailable(tmp_path: Path) -> None:
    """Such as a file where the folder should be."""
    (tmp_path / "pictures").write_bytes(b"")
    with pytest.raises(ArchiveUnavailable, match="cannot be used"):
        await blobs_in(FolderStore(tmp_path / "pictures")).put(DIGEST, DATA)


def test_a_blob_that_a_power_cut_left_empty_is_written_anew(tmp_path: Path) -> None:
    """The name alone is no proof that its bytes are there."""
    store = FolderStore(tmp_path)
    store.put(DIGEST, DATA)
    (place,) = tmp_path.rglob(DIGEST)
    place.write_bytes(b"")
    store.put(DIGEST, DATA)
    assert store.get(DIGEST) == DATA


def test_many_may_write_the_same_blob_at_once(tmp_path: Path) -> None:
    """As cameras do that see nothing but black."""
    store, data = FolderStore(tmp_path), os.urandom(300_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.put(sha256_of(data), data), range(40)))
    assert store.get(sha256_of(data)) == data
    assert files_below(tmp_path, ".") == [sha256_of(data)]


def test_writers_killed_at_any_moment_leave_whole_blobs_alone(tmp_path: Path) -> None:
    """Killed by -9 ten times over; what they left half written is no blob, and goes once it is old."""
    for delay_s in (0, 0.002, 0.005, 0.008, 0.011, 0.015, 0.02, 0.027, 0.035, 0.05):
        writer = subprocess.Popen([sys.executable, "-c", WRITE_ON, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        time.sleep(delay_s)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    store = FolderStore(tmp_path)
    written = [blob.digest for number in range(256) for blob in store.listed(f"{number:02x}")]
    assert len(written) > 0
    assert [sha256_of(store.get(digest)) for digest in written] == written
    store.tidy(now_us() - 3_600_000_000)
    store.tidy(now_us())
    assert files_below(tmp_path, "staging") == []

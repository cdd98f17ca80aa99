"""Archives in a folder and in S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.archives import Pictures
from support.object_store import S3Server, empty_place, s3_server

from flawgate_gateway.archive.blobs import Blobs, BlobStore
from flawgate_gateway.archive.folder import FolderStore
from flawgate_gateway.archive.objects import ObjectStore
from flawgate_gateway.database.connections import Database


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """One S3 for all tests."""
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket_url(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place in S3, which clients of this process find."""
    return empty_place(s3, monkeypatch, "plant 1")


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """A test that takes it runs on each."""
    if request.param == "folder":
        return FolderStore(tmp_path / "pictures")
    return ObjectStore(request.getfixturevalue("bucket_url"))


@pytest.fixture
def blobs(store: BlobStore) -> Iterator[Blobs]:
    """The store behind its threads."""
    blobs = Blobs(store, workers=4, timeout_s=20)
    yield blobs
    blobs.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of an archive."""
    return tmp_path / "pictures"


@pytest.fixture
def pictures(database: Database, folder: Path) -> Iterator[Pictures]:
    """A database of each kind, and an archive in a folder."""
    pictures = Pictures(database, FolderStore(folder))
    yield pictures
    pictures.blobs.close()

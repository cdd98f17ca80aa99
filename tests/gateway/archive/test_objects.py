import asyncio
import socket
import time
from collections.abc import Iterator

import pytest
from support.object_store import CREDENTIALS, S3Server
from support.ports import free_port

from flawgate_contracts.errors import ArchiveUnavailable, InvalidParameter
from flawgate_gateway.archive.blobs import Blobs, sha256_of
from flawgate_gateway.archive.objects import READ_S, ObjectStore

DATA = b"a frame"
DIGEST = sha256_of(DATA)
TIMEOUT_S = 1.0


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def told_of(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    """Blobs in an S3 at an address."""
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    return Blobs(ObjectStore("s3://bucket/prefix"), workers=2, timeout_s=TIMEOUT_S)


async def test_an_s3_that_hangs_holds_nobody_up(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More callers than threads are told within seconds, and the event loop never stands still meanwhile."""
    blobs = told_of(f"http://127.0.0.1:{silent_port}", monkeypatch)
    started = time.monotonic()
    asked = asyncio.gather(*(blobs.put(DIGEST, DATA) for _ in range(6)), return_exceptions=True)
    longest = await _longest_pause(asked)
    assert [type(answer) for answer in await asked] == [ArchiveUnavailable] * 6
    assert time.monotonic() - started < READ_S
    assert longest < READ_S / 2
    blobs.close()


async def _longest_pause(work: "asyncio.Future[list[BaseException | None]]") -> float:
    """The longest time between two turns of the event loop until something is done, in seconds."""
    longest, last = 0.0, time.monotonic()
    while not work.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest


async def test_an_s3_that_is_down_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there; the address is not told."""
    port = free_port()
    with pytest.raises(ArchiveUnavailable) as raised:
        await told_of(f"http://127.0.0.1:{port}", monkeypatch).put(DIGEST, DATA)
    assert str(port) not in str(raised.value)


async def test_a_bucket_that_is_missing_is_unavailable(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not made by the way: whoever runs the gateway has named it wrongly."""
    blobs = told_of(s3.url, monkeypatch)
    with pytest.raises(ArchiveUnavailable):
        await blobs.put(DIGEST, DATA)
    with pytest.raises(ArchiveUnavailable):
        await blobs.get(DIGEST)


@pytest.mark.parametrize("url", ["nonsense://bucket", "abc://", "http+unknown://x/y"])
def test_a_url_that_nothing_can_open_is_refused_at_once(url: str) -> None:
    """At the gateway's start, not at the first frame."""
    with pytest.raises(InvalidParameter, match="name a folder"):
        ObjectStore(url)

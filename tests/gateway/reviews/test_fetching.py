"""What `flawgate reviews export` does where not all goes well."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.gateway_cluster import GatewayCluster

from flawgate_contracts.errors import FlawgateError, InvalidParameter, InvalidRequest, Unavailable
from flawgate_gateway.reviews import tars
from flawgate_gateway.reviews.fetching import fetch

CUT = tars.entry("good/a.png", b"x" * 600, 0)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-tar\r\n"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The URL of a server that gives one answer and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HEAD + b"content-length: 9999\r\n\r\n" + CUT, Unavailable),
        (HEAD + b"content-length: %d\r\n\r\n" % len(CUT) + CUT, Unavailable),
        (HEAD + b"content-length: 700\r\n\r\n" + CUT[:700], Unavailable),
        (HEAD + b"content-length: 5\r\n\r\nhello", Unavailable),
        (b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno", InvalidRequest),
    ],
    ids=["broken off", "without its last files", "within a file", "no archive", "no gateway"],
)
def test_what_is_not_whole_leaves_no_folder(tmp_path: Path, answer: bytes, error: type[FlawgateError]) -> None:
    """Nobody trains on half a data set."""
    with answering(answer) as url, pytest.raises(error):
        fetch(url, {"recipe": "spot"}, tmp_path / "reviewed")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Whoever answers at the URL writes nowhere else."""
    data = tars.entry("../escaped.png", b"x", 0) + tars.entry("export.json", b"{}", 0) + tars.END
    answer = HEAD + b"content-length: %d\r\n\r\n" % len(data) + data
    with answering(answer) as url, pytest.raises(Unavailable):
        fetch(url, {"recipe": "spot"}, tmp_path / "deep" / "reviewed")
    assert not (tmp_path / "deep" / "escaped.png").exists()


@pytest.mark.parametrize("url", ["nowhere", "ftp://127.0.0.1", "http://", "http://127.0.0.1:1"])
def test_a_gateway_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    """With what to do."""
    with pytest.raises((InvalidParameter, Unavailable)):
        fetch(url, {"recipe": "spot"}, tmp_path / "reviewed")


def test_what_the_gateway_refuses_is_said_in_its_words(cluster: GatewayCluster, tmp_path: Path) -> None:
    """The field that is wrong is named."""
    with pytest.raises(InvalidRequest, match="decided_from"):
        fetch(cluster.url, {"recipe": "spot", "decided_from": "yesterday"}, tmp_path / "reviewed")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """Neither emptied nor mixed with another data set."""
    (tmp_path / "mine.png").write_bytes(b"x")
    with pytest.raises(InvalidParameter, match="not empty"):
        fetch("http://127.0.0.1:1", {"recipe": "spot"}, tmp_path)


def test_a_file_of_certificates_that_is_none_is_said(tmp_path: Path) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidParameter, match="certificates"):
        fetch("https://127.0.0.1:1", {"recipe": "spot"}, tmp_path / "reviewed", ca_file=tmp_path / "none.pem")

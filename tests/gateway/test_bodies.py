import json
import socket
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_png
from support.raw_http import connection, head, is_closed, read_answer

PATH = "/v1/inspections?recipe=spot"
PNG = "Content-Type: image/png"
MIB = 1024 * 1024
BODY_BYTES = 200 * MIB
LIMIT = 33 * MIB


def pieces(size: int, piece: int = 256 * 1024) -> Iterator[bytes]:
    """A body that is never whole in memory."""
    block = bytes(piece)
    for _ in range(size // piece):
        yield block


def assert_too_large(answer: httpx.Response) -> None:
    """The problem came through to the caller."""
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert answer.json()["metadata"] == {"max_bytes": str(LIMIT)}
    assert str(LIMIT) in answer.json()["detail"]
    assert answer.headers["connection"] == "close"


def assert_still_up(gateway: httpx.Client) -> None:
    """A good frame is inspected."""
    answer = gateway.post(PATH, content=spot_png(255), headers={"content-type": "image/png"})
    assert answer.status_code == 201


@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
@pytest.mark.parametrize("content_type", ["image/png", "multipart/form-data; boundary=x", "text/plain"])
def test_a_body_of_200_mb_is_a_problem_that_the_caller_gets_to_read(
    cluster: GatewayCluster, gateway: httpx.Client, content_type: str, *, declared: bool
) -> None:
    """Not a broken connection; what is sent meanwhile is thrown away and does not fill the memory."""
    headers = {"content-type": content_type, **({"content-length": str(BODY_BYTES)} if declared else {})}
    before = psutil.Process().memory_info().rss
    answer = gateway.post(PATH, content=pieces(BODY_BYTES), headers=headers)
    grown = psutil.Process().memory_info().rss - before
    if content_type == "image/png":
        assert_too_large(answer)
    else:
        assert answer.status_code in {400, 413, 415}
        assert answer.headers["content-type"] == "application/problem+json"
    assert grown < 3 * LIMIT
    assert_still_up(gateway)


def test_a_form_of_200_mb_is_refused_alike(gateway: httpx.Client) -> None:
    """A picture in a form has no other limit than one in the body."""
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield start
        yield from pieces(BODY_BYTES)

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert_too_large(gateway.post(PATH, content=body(), headers=headers))
    assert_still_up(gateway)


def test_refused_bodies_are_counted(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """By their reason, like every inspection that did not come about."""
    metric = "flawgate_inspection_failures_total"
    before = cluster.value(metric, reason="BODY_TOO_LARGE", fault="client")
    gateway.post(PATH, content=bytes(LIMIT + 1), headers={"content-type": "image/png"})
    assert cluster.value(metric, reason="BODY_TOO_LARGE", fault="client") == before + 1


def test_a_body_of_exactly_the_limit_is_read(gateway: httpx.Client) -> None:
    """The limit belongs to what is taken; what it holds is then judged as a picture."""
    answer = gateway.post(PATH, content=pieces(LIMIT), headers={"content-type": "image/png"})
    assert answer.json()["code"] == "BODY_TOO_LARGE"
    assert "The frame has" in answer.json()["detail"]


def test_whoever_asks_first_is_refused_before_sending(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """With `Expect: 100-continue`, as curl sends it, nothing of the body travels."""
    with connection(cluster.url) as opened:
        opened.sendall(head(PATH, PNG, f"Content-Length: {BODY_BYTES}", "Expect: 100-continue"))
        answer = read_answer(opened)
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "BODY_TOO_LARGE")
        assert is_closed(opened)
    assert_still_up(gateway)


def test_whoever_asks_first_with_a_good_frame_is_told_to_go_on(cluster: GatewayCluster) -> None:
    """100, then the answer; the connection can be used again."""
    data = spot_png(255)
    with connection(cluster.url) as opened:
        for _ in range(2):
            opened.sendall(head(PATH, PNG, f"Content-Length: {len(data)}", "Expect: 100-continue"))
            assert opened.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            opened.sendall(data)
            assert read_answer(opened).status == 201


def test_whoever_reads_early_gets_the_answer_early(cluster: GatewayCluster) -> None:
    """A refusal does not wait for the end of the body."""
    with connection(cluster.url) as opened:
        opened.sendall(head("/v1/inspections", "Content-Type: text/plain", "Content-Length: 1000000"))
        opened.sendall(bytes(1_000))
        started = time.monotonic()
        answer = read_answer(opened)
        assert time.monotonic() - started < 2
        assert (answer.status, answer.headers["connection"]) == (415, "close")


def test_a_body_that_nobody_asked_for_is_no_hindrance(gateway: httpx.Client) -> None:
    """GET with a body, and a body to a path that is none."""
    assert gateway.request("GET", "/livez", content=bytes(100_000)).status_code == 200
    assert gateway.post("/nowhere", content=pieces(BODY_BYTES)).status_code == 404
    assert_still_up(gateway)


def test_bodies_together_are_bounded() -> None:
    """An upload that finds no room beside another is told to come back; the other goes on, and gives its room back."""
    with running_gateway(max_buffered_bytes=MIB * 3 // 2) as cluster, cluster.client() as gateway:
        with connection(cluster.url) as slow:
            slow.sendall(head(PATH, PNG, f"Content-Length: {MIB}") + bytes(MIB - 1))
            time.sleep(0.2)
            refused = gateway.post(PATH, content=bytes(MIB), headers={"content-type": "image/png"})
            assert (refused.status_code, refused.json()["code"]) == (429, "OVERLOADED")
            assert refused.headers["retry-after"] == "1"
            slow.sendall(b"x")
            assert json.loads(read_answer(slow).body)["code"] == "INVALID_FRAME"
        answer = gateway.post(PATH, content=bytes(MIB), headers={"content-type": "image/png"})
        assert answer.json()["code"] == "INVALID_FRAME"


def test_a_body_that_does_not_come_ends_by_itself() -> None:
    """A caller who stops sending is told so; the connection is not kept for ever."""
    with running_gateway(upload_timeout_s=0.2) as cluster, connection(cluster.url) as opened:
        opened.sendall(head(PATH, PNG, "Content-Length: 1000") + bytes(10))
        answer = read_answer(opened)
        assert (answer.status, json.loads(answer.body)["code"]) == (504, "DEADLINE_EXCEEDED")
        assert "0.2 s" in json.loads(answer.body)["detail"]
        assert cluster.value("flawgate_inspection_failures_total", reason="DEADLINE_EXCEEDED", fault="service") == 1
        opened.shutdown(socket.SHUT_WR)
        assert is_closed(opened)


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_a_problem_too(cluster: GatewayCluster, nonsense: bytes) -> None:
    """TLS to a plain port, text, another version: one sentence, and the connection is closed."""
    with connection(cluster.url) as opened:
        opened.sendall(nonsense + b"\r\n\r\n")
        answer = read_answer(opened)
        assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
        assert json.loads(answer.body)["code"] == "INVALID_REQUEST"
        assert is_closed(opened)


def test_headers_are_bounded(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """A header without end is cut off before it fills the memory."""
    with connection(cluster.url) as opened:
        opened.sendall(head("/livez", method="GET")[:-2] + b"X-Long: ")
        with pytest.raises(ConnectionError):
            opened.sendall(b"x" * 100 * MIB)
    assert_still_up(gateway)

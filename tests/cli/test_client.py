import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.scripted_gateway import INSPECTION, Scripted, inspection, problem, scripted_gateway

from flawgate_cli.inspecting.client import InspectionClient, Outcome
from flawgate_cli.inspecting.run import inspect_all
from flawgate_contracts.errors import InvalidParameter, Unavailable

BUSY = problem(503, "RECIPE_UNAVAILABLE", retryable=True)


@contextmanager
def client_of(url: str, *, retries: int = 3) -> Iterator[InspectionClient]:
    """A client that is closed at the end of the block."""
    client = InspectionClient(url, "spot", {"station": "S4"}, retries=retries, timeout_s=5)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def nobody() -> str:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_frame_is_sent_with_recipe_and_fields() -> None:
    """As a form with the picture's bytes; the answer is what the gateway said."""
    with scripted_gateway(inspection()) as gateway, client_of(gateway.url) as client:
        outcome = client.inspect("a.png", b"the bytes")
    assert outcome.inspection == INSPECTION
    assert (outcome.name, outcome.evaluation, outcome.code) == ("a.png", "OK", "")
    assert outcome.latency_s > 0
    for part in (b'name="file"', b"the bytes", b'name="recipe"\r\n\r\nspot', b'name="station"\r\n\r\nS4'):
        assert part in gateway.bodies[0]


def test_a_retryable_problem_is_tried_again_until_it_succeeds() -> None:
    """503 twice, then the evaluation."""
    with scripted_gateway(BUSY, BUSY, inspection()) as gateway, client_of(gateway.url) as client:
        assert client.inspect("a.png", b"x").evaluation == "OK"
    assert len(gateway.bodies) == 3


def test_retries_end() -> None:
    """The last problem is what is reported."""
    with scripted_gateway(BUSY) as gateway, client_of(gateway.url, retries=2) as client:
        outcome = client.inspect("a.png", b"x")
    assert (outcome.evaluation, outcome.code, outcome.detail) == (
        None,
        "RECIPE_UNAVAILABLE",
        "Because of RECIPE_UNAVAILABLE.",
    )
    assert len(gateway.bodies) == 3


def test_what_a_retry_cannot_mend_is_tried_once() -> None:
    """A bad picture stays bad."""
    with scripted_gateway(problem(400, "INVALID_FRAME", retryable=False)) as gateway, client_of(gateway.url) as client:
        assert client.inspect("a.png", b"x").code == "INVALID_FRAME"
    assert len(gateway.bodies) == 1


def test_the_gateway_says_how_long_to_wait() -> None:
    """Retry-After is kept to, at least the first time."""
    busy = problem(429, "OVERLOADED", retryable=True, retry_after="1")
    with scripted_gateway(busy, inspection()) as gateway, client_of(gateway.url) as client:
        started = time.monotonic()
        assert client.inspect("a.png", b"x").evaluation == "OK"
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Scripted(200, b"<html>hello</html>", {"content-type": "text/html"}), "HTTP_200"),
        (Scripted(502, b"Bad Gateway", {"content-type": "text/html"}), "HTTP_502"),
        (Scripted(404, b'{"detail": "Not Found"}', {"content-type": "application/json"}), "HTTP_404"),
        (Scripted(500, b"{", {"content-type": "application/problem+json"}), "HTTP_500"),
        (Scripted(201, b"[]", {"content-type": "application/json"}), "HTTP_201"),
    ],
    ids=["a web page", "a proxy", "another API", "broken JSON", "a list"],
)
def test_somebody_elses_answer_is_no_evaluation(answer: Scripted, code: str) -> None:
    """A wrong URL is said to be one, and not taken for an inspection."""
    with scripted_gateway(answer) as gateway, client_of(gateway.url) as client:
        outcome = client.inspect("a.png", b"x")
    assert (outcome.evaluation, outcome.code) == (None, code)
    assert outcome.detail


def test_an_unreachable_gateway_is_waited_for_once_not_for_every_frame(nobody: str) -> None:
    """The first frame is tried again, the rest fail at once; each says what to do."""
    with client_of(nobody, retries=1) as client:
        started = time.monotonic()
        outcomes = [client.inspect(f"{n}.png", b"x") for n in range(20)]
    assert time.monotonic() - started < 3
    assert {outcome.code for outcome in outcomes} == {"UNREACHABLE"}
    assert "flawgate up" in outcomes[0].detail
    assert nobody in outcomes[0].detail


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, nobody: str) -> None:
    """It is an outcome like any other: the rest of the folder is inspected."""
    with client_of(nobody) as client:
        outcome = client.inspect_file(tmp_path / "gone.png")
    assert (outcome.code, outcome.evaluation) == ("UNREADABLE_FILE", None)
    assert "No such file" in outcome.detail


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://[::1", ""])
def test_a_url_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    """The sentence shows how to write one."""
    with pytest.raises(InvalidParameter, match=r"like http://127\.0\.0\.1:8080"):
        InspectionClient(url, "spot", {})


def test_an_overlay_that_is_not_kept_any_more_is_said_so() -> None:
    """The frame was evaluated all the same."""
    gone = problem(404, "UNKNOWN_INSPECTION", retryable=False)
    with (
        scripted_gateway(gone) as gateway,
        client_of(gateway.url) as client,
        pytest.raises(Unavailable, match=r"no overlay\.png"),
    ):
        client.picture("/v1/inspections/1/overlay.png")


def test_outcomes_come_in_the_items_order_and_an_endless_stream_is_not_read_ahead() -> None:
    """However many at once: no more than twice as many are taken before their turn."""
    taken: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(len(taken))
            yield taken[-1]

    def inspect(number: int) -> Outcome:
        time.sleep(0.01 if number % 2 else 0.03)
        return Outcome(str(number), 0.0)

    running = inspect_all(endless(), inspect, concurrency=3)
    assert [next(running).name for _ in range(7)] == [str(number) for number in range(7)]
    assert len(taken) <= 7 + 6
    running.close()  # type: ignore[attr-defined]  # a generator

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.scripted_gateway import INSPECTION, inspection, problem, scripted_gateway

from flawgate_cli.inspecting.run import inspect_all
from flawgate_cli.inspecting.sending import Outcome, Sender
from flawgate_client import Inspection
from flawgate_contracts.errors import InvalidParameter, Unavailable

BUSY = problem(503, "RECIPE_UNAVAILABLE", retryable=True)


@contextmanager
def sender_to(url: str, *, retries: int = 3) -> Iterator[Sender]:
    """A sender that is closed at the end of the block."""
    sender = Sender(url, "spot", station="S4", retries=retries, timeout_s=5)
    try:
        yield sender
    finally:
        sender.close()


@pytest.fixture
def nobody() -> str:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_frame_is_sent_with_recipe_and_station() -> None:
    """The outcome is what the gateway said."""
    with scripted_gateway(inspection()) as gateway, sender_to(gateway.url) as sender:
        outcome = sender.inspect("a.png", b"the bytes")
    assert outcome.inspection == Inspection.of(INSPECTION)
    assert (outcome.name, outcome.evaluation, outcome.code) == ("a.png", "OK", "")
    assert outcome.latency_s > 0
    for part in (b"the bytes", b'name="recipe"\r\n\r\nspot', b'name="station"\r\n\r\nS4'):
        assert part in gateway.bodies[0]


def test_a_retryable_problem_is_tried_again_as_often_as_the_option_says() -> None:
    """The last problem is what is reported."""
    with scripted_gateway(BUSY) as gateway, sender_to(gateway.url, retries=2) as sender:
        outcome = sender.inspect("a.png", b"x")
    assert (outcome.evaluation, outcome.code, outcome.detail) == (
        None,
        "RECIPE_UNAVAILABLE",
        "Because of RECIPE_UNAVAILABLE.",
    )
    assert len(gateway.bodies) == 3


def test_an_unreachable_gateway_is_waited_for_once_not_for_every_frame(nobody: str) -> None:
    """The first frame is tried again, the rest fail at once; each says what to do."""
    with sender_to(nobody, retries=1) as sender:
        started = time.monotonic()
        outcomes = [sender.inspect(f"{n}.png", b"x") for n in range(20)]
    assert time.monotonic() - started < 3
    assert {outcome.code for outcome in outcomes} == {"UNREACHABLE"}
    assert "flawgate up" in outcomes[0].detail
    assert nobody in outcomes[0].detail


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, nobody: str) -> None:
    """It is an outcome like any other: the rest of the folder is inspected."""
    with sender_to(nobody) as sender:
        outcome = sender.inspect_file(tmp_path / "gone.png")
    assert (outcome.code, outcome.evaluation) == ("UNREADABLE_FILE", None)
    assert "No such file" in outcome.detail


def test_a_url_that_is_none_is_refused_before_anything_is_sent() -> None:
    """The sentence shows how to write one."""
    with pytest.raises(InvalidParameter, match=r"like http://127\.0\.0\.1:8080"):
        Sender("127.0.0.1:8080", "spot")


def test_an_overlay_that_is_not_kept_any_more_is_said_so() -> None:
    """The frame was evaluated all the same."""
    gone = problem(404, "PICTURE_NOT_KEPT", retryable=False)
    with (
        scripted_gateway(gone) as gateway,
        sender_to(gateway.url) as sender,
        pytest.raises(Unavailable, match="no overlay to be had: Because of PICTURE_NOT_KEPT"),
    ):
        sender.overlay(Inspection.of(INSPECTION))


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

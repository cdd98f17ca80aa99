import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from support.both_clients import Ask
from support.scripted_gateway import INSPECTION, Scripted, problem, scripted_gateway

from flawgate_client import Frame, Inspection, NotFound, Review, Unavailable

JSON = {"content-type": "application/json"}
BUSY = json.loads(problem(429, "OVERLOADED", retryable=True).body)
BAD = json.loads(problem(400, "INVALID_FRAME", retryable=False).body)
DONE = {"inspection": INSPECTION, "replayed": False}
REVIEW = {
    "review_id": "01a1fd48-1c43-75e7-821b-7540ae758d08",
    "inspection_id": INSPECTION["inspection_id"],
    "evaluation": "OK",
    "reviewer": "Ana",
    "comment": None,
    "reviewed_at": "2026-11-20T11:00:00.000Z",
}


def said(document: object, status: int = 200) -> Scripted:
    """An answer with that JSON."""
    return Scripted(status, json.dumps(document).encode(), JSON)


def page(count: int, token: str | None) -> Scripted:
    """A page of so many inspections."""
    return said({"inspections": [INSPECTION] * count, "next_page_token": token})


def test_a_list_goes_over_all_pages(ask: Ask) -> None:
    """With the same filters; moments, several values and truth as the API writes them."""
    filters = {
        "part": "SN 1",
        "evaluation": ["NOT_OK", "NOT_DECIDABLE"],
        "decided_from": datetime(2026, 11, 20, tzinfo=UTC),
        "max_margin": 0.05,
        "reviewed": False,
    }
    with scripted_gateway(page(2, "t1"), page(0, "t2"), page(1, None)) as gateway:
        assert ask(gateway.url, "list", **filters) == [Inspection.of(INSPECTION)] * 3
    queries = [parse_qs(urlsplit(path).query) for path in gateway.paths]
    tokens = [query.pop("page_token", None) for query in queries]
    assert tokens == [None, ["t1"], ["t2"]]
    assert (
        queries
        == [
            {
                "part": ["SN 1"],
                "evaluation": ["NOT_OK", "NOT_DECIDABLE"],
                "decided_from": ["2026-11-20T00:00:00+00:00"],
                "max_margin": ["0.05"],
                "reviewed": ["false"],
            }
        ]
        * 3
    )


def test_a_page_that_cannot_be_had_just_now_is_asked_for_again(ask: Ask) -> None:
    """Nothing is left out, and nothing comes twice."""
    busy = problem(503, "RECORDS_UNAVAILABLE", retryable=True)
    with scripted_gateway(page(1, "t1"), busy, page(1, None)) as gateway:
        assert len(ask(gateway.url, "list")) == 2


def test_a_batch_answers_each_frame(ask: Ask) -> None:
    """In their order; a frame that was refused is an error among the inspections, with what it says."""
    frames = [Frame(b"one", part="SN-1"), Frame(b"two", recipe="leather", lot="L 7")]
    with scripted_gateway(said({"results": [DONE, {"problem": BAD}]})) as gateway:
        done, refused = ask(gateway.url, "batch", frames, "spot", deadline_ms=500)
    assert done == Inspection.of(INSPECTION)
    assert (refused.code, refused.detail) == ("INVALID_FRAME", "Because of INVALID_FRAME.")
    assert gateway.paths == ["/v1/inspections:batch"]
    sent = gateway.bodies[0]
    assert sent.index(b"one") < sent.index(b"two")
    for name, value in (
        ("recipe", "spot"),
        ("deadline_ms", "500"),
        ("items", '[{"part": "SN-1"}, {"recipe": "leather", "lot": "L 7"}]'),
    ):
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in sent


def test_frames_of_a_batch_that_may_succeed_later_are_tried_again(ask: Ask) -> None:
    """With the same key, so that the others are answered from the record."""
    first = said({"results": [DONE, {"problem": BUSY}]})
    second = said({"results": [{**DONE, "replayed": True}, DONE]})
    with scripted_gateway(first, second) as gateway:
        replayed, done = ask(gateway.url, "batch", [Frame(b"1"), Frame(b"2")], "spot")
    assert (replayed.replayed, done.replayed) == (True, False)
    assert len({headers["idempotency-key"] for headers in gateway.headers}) == 1
    assert len(gateway.bodies) == 2


def test_a_frame_of_a_batch_that_stays_refused_is_told_in_the_end(ask: Ask) -> None:
    """After as many tries as the client has."""
    with scripted_gateway(said({"results": [{"problem": BUSY}]})) as gateway:
        (refused,) = ask(gateway.url, "batch", [Frame(b"1")], "spot", client={"retries": 1})
    assert (refused.code, len(gateway.bodies)) == ("OVERLOADED", 2)


def test_a_review_is_sent_once(ask: Ask) -> None:
    """What is said, as JSON; what comes back is typed."""
    with scripted_gateway(said(REVIEW, 201)) as gateway:
        answer = ask(gateway.url, "review", Inspection.of(INSPECTION), "OK", reviewer="Ana")
    assert answer == Review.of(REVIEW)
    assert gateway.paths == [f"/v1/inspections/{INSPECTION['inspection_id']}/reviews"]
    assert json.loads(gateway.bodies[0]) == {"evaluation": "OK", "reviewer": "Ana"}


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        (problem(429, "RATE_LIMITED", retryable=True), 2),
        (problem(503, "RECORDS_UNAVAILABLE", retryable=True), 1),
        (Scripted(0, b""), 1),
    ],
    ids=["refused", "perhaps written", "hung up"],
)
def test_a_review_that_may_have_been_recorded_is_not_sent_again(ask: Ask, answer: Scripted, times: int) -> None:
    """It would stand there twice."""
    with scripted_gateway(answer) as gateway, pytest.raises(Unavailable):
        ask(gateway.url, "review", "an-id", "OK", client={"retries": 1})
    assert len(gateway.bodies) == times


def test_an_inspection_that_is_not_there_cannot_be_reviewed(ask: Ask) -> None:
    """It is said so."""
    with scripted_gateway(problem(404, "UNKNOWN_INSPECTION", retryable=False)) as gateway, pytest.raises(NotFound):
        ask(gateway.url, "review", "an-id", "OK")

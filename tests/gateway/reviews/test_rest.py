"""Reviews over REST, with all services."""

import io
import tarfile
from typing import Any

import httpx
import pytest
from support.pictures import spot_png


def inspected(gateway: httpx.Client, grey: int, **fields: str) -> dict[str, Any]:
    """The inspection of a frame with one pixel of that grey value."""
    answer = gateway.post("/v1/inspections", data={"recipe": "spot", **fields}, files={"file": spot_png(grey)})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_what_waits_is_reviewed_and_then_exported(gateway: httpx.Client) -> None:
    """From the queue to a data set; the inspection itself stays as it is."""
    doubtful = inspected(gateway, 220, lot="A")
    sure = inspected(gateway, 20, lot="A")
    assert doubtful["evaluation"] == "NOT_DECIDABLE"
    queue = gateway.get("/v1/reviews:queue", params={"lot": "A"}).json()
    assert [doubtful["inspection_id"]] == [each["inspection_id"] for each in queue["inspections"]]
    path = f"/v1/inspections/{doubtful['inspection_id']}/reviews"
    review = gateway.post(path, json={"evaluation": "NOT_OK", "comment": "a scratch", "reviewer": "Ana"})
    assert (review.status_code, review.json()["reviewer"]) == (201, "Ana")
    assert {"reviews": [review.json()]} == gateway.get(path).json()
    assert gateway.get("/v1/reviews:queue", params={"lot": "A"}).json()["inspections"] == []
    assert doubtful == gateway.get(doubtful["links"]["self"]).json()
    exported = gateway.get("/v1/reviews:export", params={"recipe": "spot", "lot": "A"})
    assert exported.headers["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(exported.content)) as tar:
        names = tar.getnames()
    assert [f"defective/{doubtful['inspection_id']}.png", "manifest.csv", "export.json"] == names
    assert sure["inspection_id"] not in str(names)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"evaluation": "BAD"},
        {"evaluation": "OK", "comment": ""},
        {"evaluation": "OK", "comment": "x" * 4001},
        {"evaluation": "OK", "comment": "a\x00b"},
        {"evaluation": "OK", "reviewer": "a\nb"},
        {"evaluation": "OK", "score": 1},
        [],
    ],
)
def test_a_review_that_is_none_is_refused(gateway: httpx.Client, body: Any) -> None:
    """With the field that is wrong, and nothing written."""
    path = f"{inspected(gateway, 20)['links']['self']}/reviews"
    answer = gateway.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")
    assert gateway.get(path).json() == {"reviews": []}


@pytest.mark.parametrize(
    ("content", "content_type", "sentence"),
    [
        (b"{evaluation}", "application/json", "The body is no JSON: "),
        (b'{"evaluation": "OK"}', "text/plain", "The body is no JSON object; send one, with `Content-Type: "),
        (b"", "application/json", "The body is no JSON object; send one, with `Content-Type: "),
        (b"{}", "application/json", "The field `evaluation` is missing; put it into the JSON of the body."),
    ],
)
def test_a_body_that_cannot_be_read_is_told_so(
    gateway: httpx.Client, content: bytes, content_type: str, sentence: str
) -> None:
    """What is wrong, in words for somebody who forgot a header."""
    path = f"{inspected(gateway, 20)['links']['self']}/reviews"
    problem = gateway.post(path, content=content, headers={"content-type": content_type}).json()
    assert (problem["status"], problem["detail"].startswith(sentence)) == (422, True), problem["detail"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10/reviews", 404, "UNKNOWN_INSPECTION"),
        ("/v1/inspections/x/reviews", 404, "UNKNOWN_INSPECTION"),
        ("/v1/reviews:queue?band=0.5", 422, "INVALID_PARAMETER"),
        ("/v1/reviews:queue?order=newest", 422, "INVALID_PARAMETER"),
        ("/v1/reviews:queue?page_token=x", 422, "INVALID_PARAMETER"),
        ("/v1/reviews:queue?colour=red", 422, "INVALID_PARAMETER"),
        ("/v1/reviews:export", 422, "INVALID_PARAMETER"),
        ("/v1/reviews:export?recipe=spot&max_items=0", 422, "INVALID_PARAMETER"),
    ],
)
def test_what_cannot_be_found_is_a_problem(gateway: httpx.Client, path: str, status: int, code: str) -> None:
    """Said before any answer begins."""
    answer = gateway.get(path)
    assert (status, code) == (answer.status_code, answer.json()["code"]), answer.text

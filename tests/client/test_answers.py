from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.both_clients import Ask
from support.scripted_gateway import INSPECTION, Scripted, inspection, problem, scripted_gateway

from flawgate_client import (
    AsyncClient,
    Box,
    Capture,
    Client,
    Conflict,
    Defect,
    Denied,
    Failed,
    Fault,
    FlawgateError,
    InvalidRequest,
    NotFound,
    Unavailable,
)

DEFECT = {
    "box": {"x": 1, "y": 2, "width": 3, "height": 4},
    "area_px": 9,
    "area_mm2": None,
    "peak": 0.75,
    "class": "spot",
}


def test_a_frame_is_sent_with_all_that_is_said_of_it(ask: Ask) -> None:
    """As a form, as bytes or from a file; what is not said is not sent."""
    taken = datetime(2026, 11, 20, 11, 15, tzinfo=timezone(timedelta(hours=1)))
    with scripted_gateway(inspection()) as gateway:
        ask(gateway.url, "inspect", b"the bytes", "spot", part="SN-1", acquired_at=taken, deadline_ms=300)
    sent = gateway.bodies[0]
    assert gateway.paths == ["/v1/inspections"]
    assert b"the bytes" in sent
    for name, value in (
        ("recipe", "spot"),
        ("part", "SN-1"),
        ("acquired_at", "2026-11-20T11:15:00+01:00"),
        ("deadline_ms", "300"),
    ):
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in sent
    assert b"lot" not in sent


def test_a_frame_of_a_stream_says_where_it_stands(ask: Ask) -> None:
    """And what was measured of its picture; one that came by itself says neither."""
    capture = {"stream_id": "6a0c2a8e-3b0f-4f4e-9a57-7d1f6f3c2b10", "sequence": 7, "trigger_id": None}
    with scripted_gateway(inspection(capture=capture, picture_quality={"focus": 12.5}), inspection()) as gateway:
        streamed, alone = (ask(gateway.url, "inspect", b"x", "spot") for _ in range(2))
    assert streamed.capture == Capture("6a0c2a8e-3b0f-4f4e-9a57-7d1f6f3c2b10", 7, None)
    assert streamed.picture_quality == {"focus": 12.5}
    assert (alone.capture, alone.picture_quality) == (None, {})


def test_a_file_is_read(ask: Ask, tmp_path: Path) -> None:
    """A path stands for the picture in it."""
    (tmp_path / "a.png").write_bytes(b"the bytes")
    with scripted_gateway(inspection()) as gateway:
        ask(gateway.url, "inspect", tmp_path / "a.png", "spot")
    assert b"the bytes" in gateway.bodies[0]


def test_a_file_that_is_not_there_is_said_so(ask: Ask, tmp_path: Path) -> None:
    """As Python says it; nothing is sent."""
    with pytest.raises(FileNotFoundError):
        ask("http://127.0.0.1:9", "inspect", tmp_path / "gone.png", "spot")


def test_an_inspection_is_typed_and_whole(ask: Ask) -> None:
    """Fields that a newer gateway adds are kept in the document."""
    facts: dict[str, Any] = {
        "evaluation": "NOT_OK",
        "part": "SN-1",
        "defects": [DEFECT],
        "probabilities": [{"class": "good", "probability": 0.125}],
        "acquired_at": "2026-11-20T10:15:01.000Z",
        "newest": {"of": "all"},
    }
    with scripted_gateway(inspection(**facts)) as gateway:
        answer = ask(gateway.url, "get", INSPECTION["inspection_id"])
    assert gateway.paths == [f"/v1/inspections/{INSPECTION['inspection_id']}"]
    assert answer.defects == (Defect(Box(1, 2, 3, 4), 9, None, 0.75, "spot"),)
    assert (answer.evaluation, answer.part, answer.lot) == ("NOT_OK", "SN-1", None)
    assert answer.probabilities == {"good": 0.125}
    assert answer.acquired_at == datetime(2026, 11, 20, 10, 15, 1, tzinfo=UTC)
    assert answer.document == {**INSPECTION, **facts}


@pytest.mark.parametrize(("header", "replayed"), [({"idempotency-replayed": "true"}, True), ({}, False)])
def test_a_replayed_answer_is_marked(ask: Ask, *, header: dict[str, str], replayed: bool) -> None:
    """So that a caller who counts can tell."""
    answer = inspection()
    with scripted_gateway(Scripted(answer.status, answer.body, {**answer.headers, **header})) as gateway:
        assert ask(gateway.url, "inspect", b"x", "spot").replayed is replayed


@pytest.mark.parametrize(
    ("status", "code", "retryable", "error"),
    [
        (400, "INVALID_FRAME", False, InvalidRequest),
        (401, "UNAUTHENTICATED", False, Denied),
        (403, "PERMISSION_DENIED", False, Denied),
        (404, "UNKNOWN_RECIPE", False, NotFound),
        (409, "CONFLICT", False, Conflict),
        (409, "REQUEST_IN_PROGRESS", True, Unavailable),
        (413, "BODY_TOO_LARGE", False, InvalidRequest),
        (422, "INVALID_PARAMETER", False, InvalidRequest),
        (422, "IDEMPOTENCY_KEY_REUSED", False, Conflict),
        (429, "RATE_LIMITED", True, Unavailable),
        (500, "INTERNAL_ERROR", False, Failed),
        (507, "DISK_FULL", True, Unavailable),
    ],
)
def test_each_problem_is_an_error_of_its_class(
    ask: Ask, *, status: int, code: str, retryable: bool, error: type[FlawgateError]
) -> None:
    """By what the caller can do about it."""
    with scripted_gateway(problem(status, code, retryable=retryable)) as gateway, pytest.raises(error) as told:
        ask(gateway.url, "inspect", b"x", "spot", client={"retries": 0})
    assert type(told.value) is error
    assert (told.value.code, told.value.status, told.value.retryable) == (code, status, retryable)


def test_an_error_has_all_that_helps_to_find_it(ask: Ask) -> None:
    """The request's id, the further facts, and which field is wrong."""
    fault = {"pointer": "#/part", "detail": "The field `part` is too long."}
    said = problem(
        422, "INVALID_PARAMETER", retryable=False, request_id="r-7", metadata={"field": "part"}, errors=[fault]
    )
    with scripted_gateway(said) as gateway, pytest.raises(InvalidRequest) as told:
        ask(gateway.url, "inspect", b"x", "spot")
    error = told.value
    assert (error.request_id, error.metadata) == ("r-7", {"field": "part"})
    assert error.faults == (Fault("#/part", "The field `part` is too long."),)
    assert str(error) == "INVALID_PARAMETER: Because of INVALID_PARAMETER."


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Scripted(200, b"<html>hello</html>", {"content-type": "text/html"}), "HTTP_200"),
        (Scripted(502, b"Bad Gateway", {"content-type": "text/html"}), "HTTP_502"),
        (Scripted(404, b'{"detail": "Not Found"}', {"content-type": "application/json"}), "HTTP_404"),
        (Scripted(500, b"{", {"content-type": "application/problem+json"}), "HTTP_500"),
        (Scripted(201, b"[]", {"content-type": "application/json"}), "HTTP_201"),
        (Scripted(302, b"", {"location": "http://127.0.0.1:9/"}), "HTTP_302"),
    ],
    ids=["a web page", "a proxy", "another API", "broken JSON", "a list", "elsewhere"],
)
def test_somebody_elses_answer_is_no_evaluation(ask: Ask, answer: Scripted, code: str) -> None:
    """A wrong URL is said to be one, and not taken for an inspection; nor is the key taken elsewhere."""
    with scripted_gateway(answer) as gateway, pytest.raises(FlawgateError, match=r"is http.* one") as told:
        ask(gateway.url, "inspect", b"x", "spot", client={"retries": 0})
    assert told.value.code == code


@pytest.mark.parametrize(("kind", "path"), [("overlay", "/overlay.png"), ("mask", "/mask.png"), ("frame", "/frame")])
def test_pictures_are_bytes(ask: Ask, kind: str, path: str) -> None:
    """Of an inspection, or of its id, which cannot lead elsewhere."""
    with scripted_gateway(Scripted(200, b"\x89PNG", {"content-type": "image/png"})) as gateway:
        assert ask(gateway.url, "picture", "a/../b", kind) == b"\x89PNG"
    assert gateway.paths == [f"/v1/inspections/a%2F..%2Fb{path}"]


def test_the_key_is_sent_and_never_shown(ask: Ask) -> None:
    """As a bearer token; an error's text does not have it."""
    with (
        scripted_gateway(problem(401, "UNAUTHENTICATED", retryable=False)) as gateway,
        pytest.raises(Denied) as told,
    ):
        ask(gateway.url, "inspect", b"x", "spot", client={"api_key": "fg_secret"})
    assert gateway.headers[0]["authorization"] == "Bearer fg_secret"
    assert "fg_secret" not in str(told.value)


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "127.0.0.1:8080"}, r"like http://127\.0\.0\.1:8080"),
        ({"url": "ftp://127.0.0.1"}, "is no URL"),
        ({"url": "http://"}, "is no URL"),
        ({"url": "http://[::1"}, "is no URL"),
        ({"url": ""}, "is no URL"),
        ({"api_key": ""}, "characters that no key has"),
        ({"api_key": "a\r\nb"}, "characters that no key has"),
        ({"timeout_s": 0}, "more than 0"),
        ({"retries": -1}, "0 to 20"),
        ({"url": "https://a", "verify": Path("/nowhere.pem")}, "no file of certificates"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(
    client: type[Client] | type[AsyncClient], options: dict[str, Any], said: str
) -> None:
    """With a sentence that shows what to give instead."""
    with pytest.raises(ValueError, match=said):
        client(**{"url": "http://127.0.0.1:9", **options})


def test_a_moment_without_a_time_zone_is_refused(ask: Ask) -> None:
    """Nobody knows when that was."""
    with pytest.raises(ValueError, match="no time zone"):
        ask("http://127.0.0.1:9", "inspect", b"x", "spot", acquired_at=datetime(2026, 1, 1))  # noqa: DTZ001  # that

import json
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from support.bad_inputs import FIELDS
from support.gateway_cluster import GatewayCluster
from support.pictures import spot_png

PATH = "/v1/inspections"
PNG = spot_png(255)
FILE = {"file": ("part.png", PNG, "image/png")}
BOUNDARY = "multipart/form-data; boundary=x"


def form(*parts: str, end: str = "--x--\r\n") -> bytes:
    """A form with the boundary `x`; each part is its header's rest and its value."""
    return ("".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + end).encode("latin-1")


RECIPE = 'name="recipe"\r\n\r\nspot'
PICTURE = f'name="file"; filename="a.png"\r\n\r\n{PNG.decode("latin-1")}'


def malformed(content: bytes, content_type: str = BOUNDARY) -> dict[str, Any]:
    """A request with that body."""
    return {"content": content, "headers": {"content-type": content_type}}


FORMS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "no file": ({"files": {"recipe": (None, "spot")}}, 422, "INVALID_PARAMETER", "no picture; send it as a file"),
    "the file as text": (
        {"files": {"recipe": (None, "spot"), "file": (None, "part.png")}},
        422,
        "INVALID_PARAMETER",
        "is text",
    ),
    "another field": ({"data": {"recipe": "spot"}, "files": {"image": PNG}}, 422, "INVALID_PARAMETER", "`image`"),
    "two files": ({"files": [("file", PNG), ("file", PNG)]}, 422, "INVALID_PARAMETER", "several files; send one"),
    "three files": ({"files": [("file", PNG)] * 3}, 400, "INVALID_REQUEST", "one file"),
    "empty file": ({"data": {"recipe": "spot"}, "files": {"file": b""}}, 400, "EMPTY_FRAME", "no byte"),
    "too many fields": (
        {"data": {f"f{n}": "1" for n in range(40)}, "files": FILE},
        400,
        "INVALID_REQUEST",
        "at most 32",
    ),
    "a long field": ({"data": {"recipe": "s" * 5_000}, "files": FILE}, 400, "INVALID_REQUEST", "4096 bytes"),
    "no boundary": (malformed(form(RECIPE, PICTURE), "multipart/form-data"), 400, "INVALID_REQUEST", "boundary"),
    "another boundary": (
        malformed(form(RECIPE, PICTURE), "multipart/form-data; boundary=y"),
        400,
        "INVALID_REQUEST",
        "",
    ),
    "cut after a field": (malformed(form(RECIPE, end="")), 400, "INVALID_REQUEST", "cut off"),
    "cut in the file": (malformed(form(RECIPE, PICTURE)[:-40]), 400, "INVALID_REQUEST", "cut off"),
    "cut before the end": (malformed(form(RECIPE, PICTURE, end="--x\r\n")), 400, "INVALID_REQUEST", "cut off"),
    "no form at all": (malformed(PNG), 400, "INVALID_REQUEST", "cannot be read"),
    "no byte": (malformed(b""), 400, "INVALID_REQUEST", "cut off"),
    "a part without a name": (malformed(form("\r\n\r\nspot")), 400, "INVALID_REQUEST", "cannot be read"),
    "a codec that is none": (
        malformed(form(RECIPE, PICTURE), BOUNDARY + "; charset=undefined"),
        400,
        "INVALID_REQUEST",
        "",
    ),
}


def assert_refused(gateway: httpx.Client, answer: httpx.Response, status: int, code: str, detail: str) -> Any:
    """A whole problem, and the next good frame is inspected."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert detail in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert gateway.post(PATH, data={"recipe": "spot"}, files=FILE).status_code == 201
    return problem


@pytest.mark.parametrize("kind", FORMS)
def test_a_bad_form_is_a_clear_problem(gateway: httpx.Client, kind: str) -> None:
    """Malformed, cut off, without the picture or with several: each says what to do, in our words."""
    request, status, code, detail = FORMS[kind]
    problem = assert_refused(gateway, gateway.post(PATH, **request), status, code, detail)
    assert problem["detail"].endswith((".", ")."))


@pytest.mark.parametrize("way", ["form", "query"])
@pytest.mark.parametrize("kind", FIELDS)
def test_a_bad_field_is_named(gateway: httpx.Client, kind: str, way: str) -> None:
    """In the form and in the query: the detail and a JSON pointer name the field."""
    fields, status, code, detail = FIELDS[kind]
    items: Any = list(fields.items()) if isinstance(fields, dict) else fields
    if way == "form":
        parts: Any = [*FILE.items(), *((name, (None, value)) for name, value in items)]
        answer = gateway.post(PATH, files=parts)
    else:
        answer = gateway.post(PATH, params=items, content=PNG, headers={"content-type": "image/png"})
    problem = assert_refused(gateway, answer, status, code, detail)
    if code == "INVALID_PARAMETER":
        assert problem["errors"] == [
            {"detail": problem["detail"], "pointer": f"#/{problem['metadata']['field']}"},
        ]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json", "image/gif", "image/webp", "application/x-www-form-urlencoded", "", "x" * 5_000],
    ids=["text", "json", "gif", "webp", "urlencoded", "none", "long"],
)
def test_another_content_type_is_refused(gateway: httpx.Client, content_type: str) -> None:
    """The accepted ones are named, also where none was stated."""
    headers = {"content-type": content_type} if content_type else {}
    answer = gateway.post(PATH, params={"recipe": "spot"}, content=PNG, headers=headers)
    problem = assert_refused(
        gateway, answer, 415, "UNSUPPORTED_MEDIA_TYPE", "send one of multipart/form-data, image/png"
    )
    assert len(problem["detail"]) < 400


def test_a_content_type_may_have_parameters_and_capitals(gateway: httpx.Client) -> None:
    """What HTTP allows is taken."""
    headers = {"content-type": "Image/PNG; charset=binary"}
    assert gateway.post(PATH, params={"recipe": "spot"}, content=PNG, headers=headers).status_code == 201


@pytest.mark.parametrize("deadline_ms", [1, 20, 50])
def test_a_deadline_that_passes_is_no_evaluation(
    cluster: GatewayCluster, gateway: httpx.Client, deadline_ms: int
) -> None:
    """504, retryable, and the model's late answer is thrown away."""
    cluster.model_server.delay_s = 0.4
    inferences = cluster.model_server.inferences
    answer = gateway.post(PATH, data={"recipe": "spot", "deadline_ms": str(deadline_ms)}, files=FILE)
    assert cluster.model_server.inferences == inferences
    cluster.model_server.delay_s = 0
    if answer.status_code == 201:  # frames took so long before that it is known beforehand
        assert (answer.json()["evaluation"], answer.json()["reason"]) == ("NOT_DECIDABLE", "DEADLINE_UNREACHABLE")
        return
    problem = assert_refused(gateway, answer, 504, "DEADLINE_EXCEEDED", "")
    assert problem["retryable"] is True
    assert answer.headers["retry-after"] == "1"
    assert "evaluation" not in problem


def test_what_is_refused_is_counted_and_logged(
    cluster: GatewayCluster, gateway: httpx.Client, logs: list[MutableMapping[str, Any]]
) -> None:
    """By its reason, under the caller's request id, with the sentence that the caller read."""
    metric = "flawgate_inspection_failures_total"
    before = cluster.value(metric, reason="UNSUPPORTED_MEDIA_TYPE", fault="client")
    answer = gateway.post(PATH, content=b"{}", headers={"content-type": "application/json", "x-request-id": "mes-9"})
    assert cluster.value(metric, reason="UNSUPPORTED_MEDIA_TYPE", fault="client") == before + 1
    (line,) = [line for line in logs if line["event"] == "request refused"]
    assert (line["reason"], line["request_id"]) == ("UNSUPPORTED_MEDIA_TYPE", "mes-9")
    assert line["detail"] == answer.json()["detail"]
    assert json.dumps(line)

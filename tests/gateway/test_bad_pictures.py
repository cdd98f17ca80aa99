from typing import Any

import httpx
import pytest
from support import odd_pictures
from support.bad_inputs import REFUSED, TAKEN
from support.pictures import spot_png

PATH = "/v1/inspections"


def send(gateway: httpx.Client, data: bytes, *, as_form: bool) -> httpx.Response:
    """One picture, in a form or as the body."""
    if as_form:
        return gateway.post(PATH, data={"recipe": "spot"}, files={"file": ("part.png", data)})
    return gateway.post(PATH, params={"recipe": "spot"}, content=data, headers={"content-type": "image/png"})


def assert_problem(answer: httpx.Response, status: int, code: str, detail: str) -> dict[str, Any]:
    """The answer is that problem, whole, and says nothing of an evaluation."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert detail in problem["detail"]
    assert problem["type"] == f"/problems/{code}"
    assert problem["instance"] == PATH
    assert problem["title"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "evaluation" not in problem
    return problem


def assert_still_up(gateway: httpx.Client) -> None:
    """The next good frame is inspected."""
    assert send(gateway, spot_png(255), as_form=True).json()["evaluation"] == "NOT_OK"


@pytest.mark.parametrize("as_form", [True, False], ids=["form", "body"])
@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_picture_is_a_clear_problem_and_the_service_stays_up(
    gateway: httpx.Client, kind: str, *, as_form: bool
) -> None:
    """Each kind has its status and code, its detail says what to do, and a good frame follows."""
    data, status, code, detail = REFUSED[kind]
    problem = assert_problem(send(gateway, data, as_form=as_form), status, code, detail)
    assert problem["retryable"] is False
    assert_still_up(gateway)


@pytest.mark.parametrize("kind", TAKEN)
def test_an_odd_picture_is_converted_by_the_stated_rule(gateway: httpx.Client, kind: str) -> None:
    """What is not refused has the score that the table of flawgate-imaging leads to."""
    data, score = TAKEN[kind]
    answer = send(gateway, data, as_form=False)
    assert answer.status_code == 201, answer.text
    assert answer.json()["score"] == pytest.approx(score, abs=1e-6)


def test_a_turned_picture_is_set_upright(gateway: httpx.Client) -> None:
    """The frame's size and the defect are those of the upright picture, as a person sees it."""
    inspection = send(gateway, odd_pictures.turned_jpeg(), as_form=False).json()
    assert (inspection["frame"]["width"], inspection["frame"]["height"]) == (24, 32)


@pytest.mark.parametrize(
    ("layout", "status", "code", "detail"),
    [
        ({"width": "24", "height": "33", "channels": "1"}, 400, "INVALID_FRAME", "take 792 bytes, but 768 came"),
        ({"width": "24", "height": "32", "channels": "3"}, 400, "INVALID_FRAME", "take 2304 bytes"),
        ({"width": "60000", "height": "60000", "channels": "1"}, 413, "FRAME_TOO_LARGE", "60000 × 60000"),
        ({"width": "24", "height": "32"}, 422, "INVALID_PARAMETER", "need `channels` too"),
        ({"width": "24", "height": "32", "channels": "2"}, 422, "INVALID_PARAMETER", "`channels`"),
        ({"width": "0", "height": "32", "channels": "1"}, 422, "INVALID_PARAMETER", "`width`"),
        ({"width": "-1", "height": "32", "channels": "1"}, 422, "INVALID_PARAMETER", "`width`"),
        ({"width": "1e3", "height": "32", "channels": "1"}, 422, "INVALID_PARAMETER", "`width`"),
        ({}, 400, "INVALID_FRAME", "not a picture"),
    ],
    ids=["too few", "other channels", "huge", "one missing", "two channels", "zero", "negative", "no number", "none"],
)
def test_raw_pixels_must_fit_their_layout(
    gateway: httpx.Client, layout: dict[str, str], status: int, code: str, detail: str
) -> None:
    """Width, height and channels are checked against each other and the bytes."""
    headers = {"content-type": "application/octet-stream"}
    answer = gateway.post(PATH, params={"recipe": "spot", **layout}, content=bytes(768), headers=headers)
    assert_problem(answer, status, code, detail)
    assert_still_up(gateway)


def test_a_layout_does_not_go_with_a_file(gateway: httpx.Client) -> None:
    """Whoever says both means one of them; guessing would inspect the wrong pixels."""
    params = {"recipe": "spot", "width": "24", "height": "32", "channels": "1"}
    answer = gateway.post(PATH, params=params, content=spot_png(1), headers={"content-type": "image/png"})
    assert_problem(answer, 422, "INVALID_PARAMETER", "raw pixels only")

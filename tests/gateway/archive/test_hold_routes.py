from typing import Any

import httpx
import pytest
from support.pictures import spot_png

HOLDS = "/v1/holds"
NOBODY = "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10"


def test_a_hold_is_placed_found_and_released(gateway: httpx.Client) -> None:
    """With who did it; a second release is a conflict."""
    made = gateway.post(HOLDS, json={"lot": "L-1", "reason": "complaint 118"})
    assert made.status_code == 201
    here = made.headers["location"]
    assert gateway.get(here).json() == made.json()
    assert made.json()["author"] == "anyone"
    released = gateway.post(f"{here}:release").json()
    assert released["released_by"] == "anyone"
    assert gateway.get(here).json() == released
    again = gateway.post(f"{here}:release")
    assert (again.status_code, again.json()["code"]) == (409, "CONFLICT")


def test_an_inspection_is_held_by_its_id(gateway: httpx.Client) -> None:
    """As the answer names it."""
    made = gateway.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)}).json()
    hold = gateway.post(HOLDS, json={"inspection_id": made["inspection_id"], "reason": "why"})
    assert (hold.status_code, hold.json()["inspection_id"]) == (201, made["inspection_id"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "why"}, 422, "INVALID_PARAMETER"),
        ({"part": "a", "lot": "b", "reason": "why"}, 422, "INVALID_PARAMETER"),
        ({"part": "a"}, 422, "INVALID_PARAMETER"),
        ({"part": "a", "reason": ""}, 422, "INVALID_PARAMETER"),
        ({"part": "a", "reason": "no\x00text"}, 422, "INVALID_PARAMETER"),
        ({"part": "a\n", "reason": "why"}, 422, "INVALID_PARAMETER"),
        ({"part": "a", "reason": "why", "author": "somebody else"}, 422, "INVALID_PARAMETER"),
        ({"inspection_id": "x", "reason": "why"}, 422, "INVALID_PARAMETER"),
        ({"inspection_id": NOBODY, "reason": "why"}, 404, "UNKNOWN_INSPECTION"),
        ([], 422, "INVALID_PARAMETER"),
    ],
)
def test_a_hold_that_names_nothing_is_refused(gateway: httpx.Client, body: Any, status: int, code: str) -> None:
    """Or too much, or without a reason, or in somebody else's name."""
    answer = gateway.post(HOLDS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_holds_are_listed_in_pages(gateway: httpx.Client) -> None:
    """The newest first, each once."""
    made = [gateway.post(HOLDS, json={"part": f"P{n}", "reason": "why"}).json()["hold_id"] for n in range(3)]
    first = gateway.get(HOLDS, params={"page_size": 2}).json()
    second = gateway.get(HOLDS, params={"page_size": 1, "page_token": first["next_page_token"]}).json()
    assert [hold["hold_id"] for hold in (*first["holds"], *second["holds"])] == made[::-1]
    gateway.post(f"{HOLDS}/{made[2]}:release")
    in_force = gateway.get(HOLDS, params={"in_force": "true"}).json()["holds"]
    assert made[2] not in [hold["hold_id"] for hold in in_force]


@pytest.mark.parametrize("path", [f"{HOLDS}/{NOBODY}", f"{HOLDS}/x"])
def test_an_unknown_hold_is_a_clear_404(gateway: httpx.Client, path: str) -> None:
    """Looked for or released."""
    assert gateway.get(path).json()["code"] == "UNKNOWN_HOLD"
    assert gateway.post(f"{path}:release").json()["code"] == "UNKNOWN_HOLD"


@pytest.mark.parametrize(
    "params", [{"page_size": 0}, {"page_size": 1001}, {"page_token": "x"}, {"in_force": "perhaps"}]
)
def test_a_query_that_is_none_is_refused(gateway: httpx.Client, params: dict[str, Any]) -> None:
    """With the name of the parameter."""
    answer = gateway.get(HOLDS, params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")

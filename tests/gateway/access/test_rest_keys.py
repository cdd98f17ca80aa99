from typing import Any

import httpx
import pytest
from support.api_keys import KeyMaker

from flawgate_gateway.access.caller import Scope


@pytest.fixture(scope="module")
def admin(caller: httpx.Client, keys: KeyMaker) -> dict[str, str]:
    """Headers of an administrator."""
    return keys.headers(Scope.ADMIN)


def make(caller: httpx.Client, admin: dict[str, str], **fields: Any) -> httpx.Response:
    """`POST /v1/keys`."""
    return caller.post("/v1/keys", headers=admin, json={"name": "MES", "scopes": ["read"], **fields})


def test_a_key_is_made_used_listed_and_revoked(caller: httpx.Client, admin: dict[str, str]) -> None:
    """The secret is in one answer only, which no proxy may keep."""
    answer = make(caller, admin, scopes=["read", "inspect"], expires_at="2100-01-01T00:00:00Z", requests_per_s=50)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    key = made.pop("key")
    assert (made["scopes"], made["requests_per_s"]) == (["inspect", "read"], 50.0)
    assert (made["expires_at"], made["revoked_at"]) == ("2100-01-01T00:00:00.000Z", None)
    assert caller.get("/v1/recipes", headers={"authorization": f"Bearer {key}"}).status_code == 200
    listed = {each["id"]: each for each in caller.get("/v1/keys", headers=admin).json()["keys"]}
    assert listed[made["id"]] == made
    revoked = caller.post(f"/v1/keys/{made['id']}:revoke", headers=admin).json()
    assert revoked["revoked_at"] is not None
    assert {**revoked, "revoked_at": None} == made


def test_keys_come_page_by_page(caller: httpx.Client, admin: dict[str, str]) -> None:
    """Each once; the last page has no token."""
    made = {make(caller, admin).json()["id"] for _ in range(5)}
    found: list[str] = []
    token: str | None = None
    while True:
        params = {"page_size": "2", **({"page_token": token} if token else {})}
        page = caller.get("/v1/keys", headers=admin, params=params).json()
        found += [key["id"] for key in page["keys"]]
        token = page["next_page_token"]
        if token is None:
            break
        assert len(page["keys"]) == 2
    assert len(found) == len(set(found))
    assert made <= set(found)


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 129}),
        ("name", {"name": "MES\r\nSet-Cookie: x"}),
        ("name", {"name": None}),
        ("scopes", {"scopes": []}),
        ("scopes.0", {"scopes": ["everything"]}),
        ("scopes", {"scopes": "admin"}),
        ("expires_at", {"expires_at": "2001-01-01T00:00:00Z"}),
        ("expires_at", {"expires_at": "2100-01-01T00:00:00"}),
        ("expires_at", {"expires_at": "tomorrow"}),
        ("requests_per_s", {"requests_per_s": 0}),
        ("requests_per_s", {"requests_per_s": "a lot"}),
        ("secret", {"secret": "mine"}),
        ("id", {"id": "mine"}),
    ],
)
def test_a_key_that_cannot_be_is_a_problem(
    caller: httpx.Client, admin: dict[str, str], field: str, fields: dict[str, Any]
) -> None:
    """422 that points at the field; nothing is made."""
    before = len(caller.get("/v1/keys", headers=admin, params={"page_size": 1000}).json()["keys"])
    answer = make(caller, admin, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")
    assert answer.json()["metadata"]["field"] == field
    assert len(caller.get("/v1/keys", headers=admin, params={"page_size": 1000}).json()["keys"]) == before


@pytest.mark.parametrize("key_id", ["abcdefghijkl", "x", "%00", "a'%20OR%20'1'='1", "x" * 5000])
def test_revoking_what_is_not_there_is_a_problem(caller: httpx.Client, admin: dict[str, str], key_id: str) -> None:
    """404, whatever stands there."""
    answer = caller.post(f"/v1/keys/{key_id}:revoke", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_KEY")


@pytest.mark.parametrize("params", [{"page_size": 0}, {"page_size": 1001}, {"page_token": "x"}, {"page_token": "%"}])
def test_a_page_that_cannot_be_is_a_problem(
    caller: httpx.Client, admin: dict[str, str], params: dict[str, Any]
) -> None:
    """422."""
    assert caller.get("/v1/keys", headers=admin, params=params).status_code == 422


def test_the_last_word_is_the_command_lines(caller: httpx.Client, admin: dict[str, str], keys: KeyMaker) -> None:
    """An administrator may revoke the own key too: another is made by command then."""
    made, text = keys.make(Scope.ADMIN)
    own = {"authorization": f"Bearer {text.reveal()}"}
    assert caller.post(f"/v1/keys/{made.id}:revoke", headers=own).status_code == 200
    assert caller.get("/v1/keys", headers=admin).status_code == 200

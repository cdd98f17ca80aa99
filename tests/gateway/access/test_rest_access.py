import re
import time
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from support.api_keys import KeyMaker, altered, bearer
from support.gateway_cluster import GatewayCluster
from support.pictures import spot_png
from support.raw_http import connection, head, read_answer

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.tokens import KeyText

INSPECTION = "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10"
NEEDED = [
    ("POST", "/v1/inspections", Scope.INSPECT),
    ("GET", f"/v1/inspections/{INSPECTION}", Scope.READ),
    ("GET", "/v1/recipes", Scope.READ),
    ("GET", "/v1/recipes/spot", Scope.READ),
    ("GET", "/v1/keys", Scope.ADMIN),
    ("POST", "/v1/keys", Scope.ADMIN),
    ("POST", "/v1/keys/abcdefghijkl:revoke", Scope.ADMIN),
]
OPEN = ["/livez", "/readyz", "/docs", "/openapi.json", "/problems", "/problems/RATE_LIMITED", "/schemas"]
PICTURE: dict[str, Any] = {"data": {"recipe": "spot"}, "files": {"file": spot_png(255)}}


def code(answer: httpx.Response) -> str:
    """The problem's code."""
    return str(answer.json()["code"])


@pytest.mark.parametrize(("method", "path", "scope"), NEEDED)
def test_every_path_asks_for_its_scope(
    caller: httpx.Client, keys: KeyMaker, method: str, path: str, scope: Scope
) -> None:
    """No key: 401. Each key without the scope: 403, and which one is missing. With it, and with `admin`: neither."""
    assert caller.request(method, path).status_code == HTTPStatus.UNAUTHORIZED
    for held in Scope:
        answer = caller.request(method, path, headers=keys.headers(held))
        if held in (scope, Scope.ADMIN):
            assert answer.status_code not in (401, 403)
        else:
            assert (answer.status_code, code(answer)) == (403, "PERMISSION_DENIED")
            assert answer.json()["metadata"]["scope"] == scope


@pytest.mark.parametrize("path", OPEN)
def test_health_and_the_meaning_of_things_are_open(caller: httpx.Client, path: str) -> None:
    """Probes have no keys, and whoever is refused may read why."""
    assert caller.get(path).status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/v3/x", "/livez/", "/problems/../v1/keys", "/%2e/v1/keys"]
)
def test_what_is_not_open_by_name_is_closed(caller: httpx.Client, path: str) -> None:
    """Who has no key does not even learn which paths there are."""
    assert caller.get(path).status_code in (401, 404)
    assert caller.get("/v1/nothing").status_code == 401


def test_the_document_says_which_routes_need_a_key(caller: httpx.Client) -> None:
    """Every operation but the open ones names the scheme and its scope, so a new route cannot be forgotten."""
    document = caller.get("/openapi.json").json()
    scheme = document["components"]["securitySchemes"]["ApiKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            needed = operation.get("security", [])
            if path in OPEN or path.startswith(("/problems/", "/schemas/")):
                assert needed == [], path
            else:
                assert [list(each) for each in needed] == [["ApiKey"]], (method, path)
                assert set(needed[0]["ApiKey"]) <= set(Scope), (method, path)
                assert needed[0]["ApiKey"], (method, path)


def test_every_route_keeps_to_the_document(caller: httpx.Client, keys: KeyMaker) -> None:
    """Without a key 401; with all scopes but the one that is said, 403: before the request itself is looked at."""
    document = caller.get("/openapi.json").json()
    headers = {
        needed: keys.headers(*(scope for scope in Scope if scope not in (needed, Scope.ADMIN))) for needed in Scope
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not operation.get("security"):
                continue
            url = re.sub(r"\{\w+\}", "x", path)
            assert caller.request(method, url).status_code == 401, (method, path)
            answer = caller.request(method, url, headers=headers[Scope(operation["security"][0]["ApiKey"][0])])
            assert (answer.status_code, code(answer)) == (403, "PERMISSION_DENIED"), (method, path)


def test_a_refusal_says_how_to_authenticate(caller: httpx.Client) -> None:
    """RFC 9110: a 401 carries a challenge; ours is a problem like all others, with the request's id."""
    answer = caller.get("/v1/recipes")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == 'Bearer realm="flawgate"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert answer.json()["retryable"] is False


@pytest.mark.parametrize(
    "lines",
    [
        ("Authorization: Bearer {key}", "Authorization: Bearer {key}"),
        ("Authorization: Bearer {wrong}", "Authorization: Bearer {key}"),
        ("Authorization: Bearer {wrong}", "X-Forwarded-Authorization: Bearer {key}"),
        ("Authorization: Bearer {wrong},Bearer {key}",),
        ("Authorization: Bearer {wrong}\n Bearer {key}",),
        ("Authorization: Basic {key}",),
        ("Authorization: {key}",),
        ("Authorization: Bearer {key}\xff",),
        ("Authorization: Bearer " + "x" * 20_000,),
        ("Authorization: Bearer ' OR '1'='1",),
        ("Authorization: Bearer fg_' OR '1'_" + "x" * 43,),
        ("Authorization : Bearer {key}",),
        ("Authorization: Bearer {key}\x00",),
        ("Authorization: Bearer {wrong}\rAuthorization: Bearer {key}",),
        ("Authorization: Bearer {wrong}\nX-A: Bearer {key}",),
        ("Authorization:",),
    ],
)
def test_odd_headers_let_nobody_in(secured: GatewayCluster, keys: KeyMaker, lines: tuple[str, ...]) -> None:
    """Several, folded, mixed up, injected, too long: refused by us or as no HTTP; never an answer."""
    _, text = keys.make(Scope.ADMIN)
    wrong = altered(text).removeprefix("Bearer ")
    sent = [line.replace("{key}", text.reveal()).replace("{wrong}", wrong) for line in lines]
    with connection(secured.url) as opened:
        opened.sendall(head("/v1/keys", *sent, method="GET"))
        answer = read_answer(opened)
    assert answer.status in (400, 401)
    assert text.secret.value.encode() not in answer.body
    assert set(answer.headers) <= {
        *("content-length", "content-type", "date", "connection", "www-authenticate", "x-request-id", "server")
    }


def test_a_refusal_does_not_wait_for_the_body(secured: GatewayCluster) -> None:
    """The key is checked first: whoever has none is answered before a byte of the picture has come."""
    with connection(secured.url) as opened:
        opened.sendall(head("/v1/inspections", "Content-Type: image/png", "Content-Length: 30000000"))
        started = time.monotonic()
        answer = read_answer(opened)
    assert answer.status == 401
    assert time.monotonic() - started < 2


def test_a_revoked_key_stops_within_the_stated_time(caller: httpx.Client, keys: KeyMaker) -> None:
    """Also when another process revoked it; a lookalike key is refused all the time."""
    made, text = keys.make(Scope.READ)
    headers = {"authorization": bearer(text)}
    assert caller.get("/v1/recipes", headers=headers).status_code == 200
    revoked = caller.post(f"/v1/keys/{made.id}:revoke", headers=keys.headers(Scope.ADMIN))
    assert revoked.status_code == 200
    time.sleep(0.35)
    answer = caller.get("/v1/recipes", headers=headers)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    assert "was revoked" in answer.json()["detail"]


def test_who_waits_as_told_is_let_in(caller: httpx.Client, keys: KeyMaker) -> None:
    """429 with a `Retry-After` that is true; what is left is said with every answer."""
    headers = keys.headers(Scope.READ, requests_per_s=0.7)
    first, second = (caller.get("/v1/recipes", headers=headers) for _ in range(2))
    assert (first.headers["ratelimit-policy"], first.headers["ratelimit"]) == ('"key";q=1;w=2', '"key";r=0;t=2')
    assert (second.status_code, code(second), second.json()["retryable"]) == (429, "RATE_LIMITED", True)
    wait_s = int(second.headers["retry-after"])
    assert float(second.json()["metadata"]["retry_after_s"]) <= wait_s <= 2
    time.sleep(wait_s)
    assert caller.get("/v1/recipes", headers=headers).status_code == 200


def test_refusals_are_counted(secured: GatewayCluster, caller: httpx.Client, keys: KeyMaker) -> None:
    """By their reason: a camera whose key expired is seen on a chart."""
    metric = "flawgate_access_refused_total"
    reasons = ("UNAUTHENTICATED", "PERMISSION_DENIED", "RATE_LIMITED")
    before = {reason: secured.value(metric, reason=reason) for reason in reasons}
    caller.get("/v1/recipes")
    caller.get("/v1/keys", headers=keys.headers(Scope.READ))
    slow = keys.headers(Scope.READ, requests_per_s=0.001)
    for _ in range(2):
        caller.get("/v1/recipes", headers=slow)
    assert {reason: secured.value(metric, reason=reason) - before[reason] for reason in reasons} == dict.fromkeys(
        reasons, 1
    )


def test_log_lines_name_the_key(caller: httpx.Client, keys: KeyMaker, logs: list[MutableMapping[str, Any]]) -> None:
    """The access line and all others of the request; a request without a key names none."""
    made, text = keys.make(Scope.INSPECT)
    caller.post(
        "/v1/inspections", headers={"authorization": bearer(text)}, data={"recipe": "nothing"}, files=PICTURE["files"]
    )
    caller.get("/v1/recipes")
    named = {line["event"]: line.get("key") for line in logs if line.get("path") == "/v1/inspections"}
    assert named == {"request": made.id, "request refused": made.id}
    assert all("key" not in line for line in logs if line.get("path") == "/v1/recipes")


def test_no_secret_in_any_log_or_answer(
    caller: httpx.Client, keys: KeyMaker, logs: list[MutableMapping[str, Any]]
) -> None:
    """A tour through right and wrong calls: the secret is in the one answer that made it, and nowhere else."""
    _, text = keys.make(Scope.ADMIN)
    good, stranger = {"authorization": bearer(text)}, KeyText.new()
    made = caller.post("/v1/keys", headers=good, json={"name": "MES", "scopes": ["read"]})
    secrets = [text.secret.value, stranger.secret.value, altered(text)[-43:], made.json()["key"][-43:]]
    answers = [
        caller.get("/v1/keys", headers=good),
        caller.get("/v1/keys", headers={"authorization": altered(text)}),
        caller.get("/v1/keys", headers={"authorization": bearer(stranger)}),
        caller.get("/v1/keys", headers={"authorization": f"Basic {text.reveal()}"}),
        caller.get("/v1/keys", headers={"authorization": f"Bearer {text.reveal()} {text.reveal()}"}),
        caller.get("/v1/recipes", params={"api_key": text.reveal()}),
        caller.post("/v1/inspections", headers=good, **PICTURE),
        caller.post("/v1/keys", headers=good, json={"name": "x", "scopes": ["all"], "key": text.reveal()}),
        caller.post("/v1/keys", headers=good, content=text.reveal()),
        caller.post(f"/v1/keys/{made.json()['id']}:revoke", headers=good),
        caller.get("/v1/recipes", headers={"authorization": f"Bearer {made.json()['key']}"}),
    ]
    said = str(logs) + "".join(answer.text + str(answer.headers) for answer in answers)
    assert [secret for secret in secrets if secret in said] == []
    assert re.search(r"fg_[a-z0-9]{12}_", said) is None

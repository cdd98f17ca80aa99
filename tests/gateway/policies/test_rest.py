"""Policies over REST, with all services."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support.gateway_cluster import GatewayCluster
from support.pictures import spot_png

REASON = {"reason": "Fewer false alarms."}
SCORE_230 = 0.901961
"""Of a frame with one pixel of grey 230."""


def inspected(gateway: httpx.Client) -> dict[str, Any]:
    """The inspection of a frame whose score is just above the recipe's threshold."""
    answer = gateway.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(230)})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def drafted(gateway: httpx.Client, **policy: Any) -> str:
    """The version of a new draft."""
    answer = gateway.post("/v1/policies", json={"recipe": "spot", "policy": policy, **REASON})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/policies/spot/{answer.json()['version']}"
    return str(answer.json()["version"])


def activated(gateway: httpx.Client, version: str, **more: Any) -> httpx.Response:
    """The answer to an activation."""
    return gateway.post(f"/v1/policies/spot/{version}:activate", json={**REASON, **more})


def test_a_policy_goes_from_draft_to_rollback(gateway: httpx.Client) -> None:
    """Each inspection is judged by what is in force, and says by what."""
    before = inspected(gateway)
    assert (before["policy_version"], before["evaluation"], before["score"]) == ("1", "NOT_OK", SCORE_230)
    version = drafted(gateway, threshold=0.95, guard_band=0.02)
    assert inspected(gateway)["policy_version"] == "1"
    assert activated(gateway, version, expected_active="own").json()["state"] == "active"
    after = inspected(gateway)
    assert (after["policy_version"], after["threshold"], after["evaluation"]) == (version, 0.95, "OK")
    assert after == gateway.get(after["links"]["self"]).json()
    rolled = gateway.post("/v1/policies/spot:rollback", json=REASON).json()
    assert (rolled["version"], rolled["policy"]["threshold"]) == ("own", 0.9)
    assert (inspected(gateway)["policy_version"], inspected(gateway)["evaluation"]) == ("1", "NOT_OK")
    history = gateway.get(f"/v1/policies/spot/{version}").json()
    assert [change["action"] for change in history["changes"]] == ["drafted", "activated", "withdrawn"]


def test_a_frame_on_its_way_names_the_version_that_decided_it(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """An activation meanwhile does not reach into it: version and threshold belong together."""
    version = drafted(gateway, threshold=0.97)
    cluster.model_server.delay_s = 0.5
    with ThreadPoolExecutor() as pool:
        on_its_way = pool.submit(inspected, gateway)
        time.sleep(0.2)
        assert activated(gateway, version).status_code == 200
        cluster.model_server.delay_s = 0
        earlier, later = on_its_way.result(), inspected(gateway)
    gateway.post("/v1/policies/spot:rollback", json=REASON)
    assert (earlier["policy_version"], earlier["threshold"], earlier["evaluation"]) == ("1", 0.9, "NOT_OK")
    assert (later["policy_version"], later["threshold"], later["evaluation"]) == (version, 0.97, "OK")


def test_a_what_if_over_what_was_inspected(gateway: httpx.Client) -> None:
    """Reviews say which of two policies is the better one."""
    reviewed = inspected(gateway)
    path = f"/v1/inspections/{reviewed['inspection_id']}/reviews"
    assert gateway.post(path, json={"evaluation": "OK"}).status_code == 201
    wanted = {"recipe": "spot", "policy": {"threshold": 0.95}, "decided_from": reviewed["decided_at"]}
    told = gateway.post("/v1/policies:simulate", json=wanted).json()
    assert (told["records"], told["reviewed"], told["truncated"]) == (1, 1, False)
    assert told["false_alarms"] == {"decided": 1, "proposed": 0, "examples": []}
    assert told["rejected_share"] == {"decided": 1.0, "proposed": 0.0}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/policies", {"recipe": "nowhere", "policy": {}, **REASON}, 404, "UNKNOWN_RECIPE"),
        ("/v1/policies", {"recipe": "spot", "policy": {"threshold": 2}, **REASON}, 422, "INVALID_PARAMETER"),
        ("/v1/policies", {"recipe": "spot", "policy": {"treshold": 1}, **REASON}, 422, "INVALID_PARAMETER"),
        ("/v1/policies", {"recipe": "spot", "policy": {"areas": {"x": {}}}, **REASON}, 422, "INVALID_PARAMETER"),
        ("/v1/policies", {"recipe": "spot", "policy": {}}, 422, "INVALID_PARAMETER"),
        ("/v1/policies", {"recipe": "spot", "policy": {}, "reason": "a\x00b"}, 422, "INVALID_PARAMETER"),
        ("/v1/policies", {"recipe": "spot", "policy": {}, "reason": ""}, 422, "INVALID_PARAMETER"),
        ("/v1/policies/spot/p99999:activate", REASON, 404, "UNKNOWN_POLICY"),
        ("/v1/policies/spot/own:activate", REASON, 404, "UNKNOWN_POLICY"),
        ("/v1/policies/spot/p99999:retire", REASON, 404, "UNKNOWN_POLICY"),
        ("/v1/policies/Not%20A%20Name:rollback", REASON, 422, "INVALID_PARAMETER"),
        ("/v1/policies/nowhere:rollback", REASON, 404, "UNKNOWN_RECIPE"),
        ("/v1/policies:simulate", {"recipe": "spot"}, 422, "INVALID_PARAMETER"),
        ("/v1/policies:simulate", {"recipe": "spot", "proposed_version": "p99999"}, 404, "UNKNOWN_POLICY"),
    ],
)
def test_what_cannot_be_done_is_a_problem(
    gateway: httpx.Client, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """With the code that says which, and nothing changed."""
    before = gateway.get("/v1/policies", params={"page_size": 1000}).json()
    answer = gateway.post(path, json=body)
    assert (status, code) == (answer.status_code, answer.json()["code"]), answer.text
    assert before == gateway.get("/v1/policies", params={"page_size": 1000}).json()


def test_a_change_that_does_not_fit_is_a_conflict(gateway: httpx.Client) -> None:
    """Somebody else was faster, or it was done already."""
    version = drafted(gateway)
    refused = activated(gateway, version, expected_active="p99999")
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    assert gateway.post(f"/v1/policies/spot/{version}:retire", json=REASON).json()["state"] == "retired"
    assert activated(gateway, version).status_code == 409

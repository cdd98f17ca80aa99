import hashlib
import re
from datetime import datetime
from typing import Any

import httpx
import pytest
from support.gateway_cluster import GatewayCluster
from support.pictures import spot_pixels, spot_png
from support.tiny_repository import spot_recipe

PATH = "/v1/inspections"
PNG = {"content-type": "image/png"}
RAW = {"content-type": "application/octet-stream"}
LAYOUT = {"width": "24", "height": "32", "channels": "1"}

KEYS = {
    *("inspection_id", "recipe", "recipe_version", "policy_version", "variant"),
    *("evaluation", "score", "reason", "threshold", "class", "probabilities", "defects", "frame", "models"),
    *("plant", "line", "station", "camera", "part", "lot", "work_order"),
    *("request_id", "trace_id", "acquired_at", "received_at", "decided_at", "service_version"),
    *("policy", "preprocessing", "stage_scores", "stage_seconds", "picture_quality", "capture", "links"),
}


def test_an_inspection_has_every_documented_key(gateway: httpx.Client) -> None:
    """The answer is the one shape of the architecture, down to the types that JSON cannot say."""
    data = spot_png(255)
    answer = gateway.post(PATH, data={"recipe": "spot", "part": "SN-1"}, files={"file": data})
    assert answer.status_code == 201
    inspection: dict[str, Any] = answer.json()
    assert set(inspection) == KEYS
    (defect,) = inspection["defects"]
    assert set(defect) == {"box", "area_px", "area_mm2", "peak", "class"}
    assert set(defect["box"]) == {"x", "y", "width", "height"}
    assert inspection["frame"] == {"width": 24, "height": 32, "sha256": hashlib.sha256(data).hexdigest()}
    assert inspection["models"] == [{"name": "spot_seg", "version": "1", "sha256": "0" * 64}]
    assert inspection["policy"] == spot_recipe().policy.model_dump(mode="json")
    assert [step["op"] for step in inspection["preprocessing"]] == [step.op for step in spot_recipe().steps]
    assert inspection["stage_scores"] == {"segmentation": 1.0, "classification": 1.0}
    assert set(inspection["stage_seconds"]) == {"preprocess", "decode", "steps", "decide", "infer", "policy"}
    for moment in ("received_at", "decided_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", inspection[moment])
    assert datetime.fromisoformat(inspection["received_at"]) <= datetime.fromisoformat(inspection["decided_at"])
    here = f"{PATH}/{inspection['inspection_id']}"
    pictures = {"frame": f"{here}/frame", "mask": f"{here}/mask.png", "overlay": f"{here}/overlay.png"}
    assert inspection["links"] == {"self": here, **pictures}
    assert answer.headers["location"] == here


@pytest.mark.parametrize(
    ("grey", "evaluation", "reason"),
    [
        (255, "NOT_OK", "SCORE_ABOVE_THRESHOLD"),
        (220, "NOT_DECIDABLE", "SCORE_IN_GUARD_BAND"),
        (0, "OK", "SCORE_BELOW_THRESHOLD"),
    ],
)
def test_the_three_evaluations_come_through(gateway: httpx.Client, grey: int, evaluation: str, reason: str) -> None:
    """What decision says is what the caller reads."""
    inspection = gateway.post(PATH, params={"recipe": "spot"}, content=spot_png(grey), headers=PNG).json()
    assert (inspection["evaluation"], inspection["reason"]) == (evaluation, reason)
    assert inspection["score"] == pytest.approx(grey / 255, abs=1e-6)


WAYS: list[dict[str, Any]] = [
    {"data": {"recipe": "spot", "lot": "L 7"}, "files": {"file": spot_png(255)}},
    {"params": {"recipe": "spot", "lot": "L 7"}, "files": {"file": spot_png(255)}},
    {"params": {"recipe": "spot"}, "data": {"lot": "L 7", "recipe": "spot"}, "files": {"file": spot_png(255)}},
    {"params": {"recipe": "spot", "lot": "L 7"}, "content": spot_png(255), "headers": PNG},
    {"params": {"recipe": "spot", "lot": "L 7"}, "content": iter([spot_png(255)]), "headers": PNG},
    {"params": {"recipe": "spot", "lot": "L 7"}, "content": spot_png(255), "headers": RAW},
    {
        "params": {"recipe": "spot", "lot": "L 7", **LAYOUT},
        "content": spot_pixels(255).tobytes(),
        "headers": RAW,
    },
    {
        "data": {"recipe": "spot", "lot": "L 7", **LAYOUT},
        "files": {"file": spot_pixels(255).tobytes()},
    },
]


@pytest.mark.parametrize(
    "request_",
    WAYS,
    ids=[
        "form",
        "form and query",
        "said twice alike",
        "body",
        "chunked body",
        "body of unnamed type",
        "raw pixels",
        "raw pixels in a form",
    ],
)
def test_each_way_of_sending_gives_the_same(gateway: httpx.Client, request_: dict[str, Any]) -> None:
    """Form or body, form field or query, file or raw pixels: one answer."""
    answer = gateway.post(PATH, **request_)
    assert answer.status_code == 201, answer.text
    inspection = answer.json()
    assert (inspection["evaluation"], inspection["lot"], len(inspection["defects"])) == ("NOT_OK", "L 7", 1)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-20T12:00:00.25+02:00", "2026-11-20T10:00:00.250Z"),
        ("2026-11-20T00:30:00-03:30", "2026-11-20T04:00:00.000Z"),
        ("0626-11-20T00:00:00Z", "0626-11-20T00:00:00.000Z"),
    ],
)
def test_a_time_of_any_zone_is_kept_as_the_same_moment(gateway: httpx.Client, sent: str, kept: str) -> None:
    """In UTC, in the answer and on record: a camera's clock and the MES's are not in one zone."""
    told = gateway.post(PATH, data={"recipe": "spot", "acquired_at": sent}, files={"file": spot_png(255)}).json()
    recorded = gateway.get(told["links"]["self"]).json()
    assert (told["acquired_at"], recorded["acquired_at"]) == (kept, kept)


@pytest.mark.parametrize("sent", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_that_utc_has_no_year_for_is_refused(gateway: httpx.Client, sent: str) -> None:
    """It is no error of ours."""
    answer = gateway.post(PATH, data={"recipe": "spot", "acquired_at": sent}, files={"file": spot_png(255)})
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")
    assert answer.json()["metadata"] == {"field": "acquired_at"}


def test_a_large_picture_comes_through_a_form(gateway: httpx.Client) -> None:
    """Several megabytes, which arrive in many pieces, are put together as they were sent."""
    pixels = bytes(range(256)) * (12 * 1024 * 1024 // 256)
    fields = {"recipe": "spot", "width": "4096", "height": "3072", "channels": "1"}
    answer = gateway.post(PATH, data=fields, files={"file": pixels})
    assert answer.status_code == 201, answer.text
    assert answer.json()["frame"] == {
        "width": 4096,
        "height": 3072,
        "sha256": hashlib.sha256(pixels).hexdigest(),
    }


def test_plant_identity_may_be_in_any_script(gateway: httpx.Client) -> None:
    """An MES names its parts as it likes: 128 characters, blanks, slashes, other scripts."""
    identity = {
        "plant": "Łódź",
        "line": "2/3",
        "station": "检测 4",
        "part": "x" * 128,
        "lot": "a b",
        "work_order": "№ 7",
    }
    fields = {"recipe": "spot", **identity}
    for answer in (
        gateway.post(PATH, files={"file": spot_png(1)}, data=fields),
        gateway.post(PATH, files={"file": spot_png(1)}, params=fields),
    ):
        assert {key: answer.json()[key] for key in identity} == identity


def test_the_callers_ids_are_taken_over(gateway: httpx.Client) -> None:
    """Request id and trace are the caller's, in the header and in the answer."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"x-request-id": "mes-42", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = gateway.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(1)}, headers=headers)
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mes-42"
    assert answer.json()["trace_id"] == trace


@pytest.mark.parametrize(
    "request_id", ["", "a b", "x" * 65, 'a","level":"error', "ä", "a\tb", "%0a", "${jndi:ldap://x}"]
)
def test_a_malformed_request_id_is_replaced(gateway: httpx.Client, request_id: str) -> None:
    """Nothing that could forge a log line or a header is passed on."""
    answer = gateway.get("/livez", headers=[(b"x-request-id", request_id.encode())])
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_a_malformed_trace_is_replaced(gateway: httpx.Client) -> None:
    """A trace id that breaks the standard does not reach the services' logs."""
    headers = {"traceparent": "00-" + "0" * 32 + "-b7ad6b7169203331-01"}
    answer = gateway.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(1)}, headers=headers)
    assert re.fullmatch(r"(?!0{32})[0-9a-f]{32}", answer.json()["trace_id"])


def test_an_inspection_can_be_asked_for_again(gateway: httpx.Client) -> None:
    """What `links.self` leads to is the same answer."""
    answer = gateway.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(255)})
    assert gateway.get(answer.headers["location"]).json() == answer.json()


def test_inspections_are_counted(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """By recipe, station, evaluation and reason; score and stages too; nothing stays in progress."""
    labels = {"recipe": "spot", "station": "", "evaluation": "NOT_OK", "reason": "SCORE_ABOVE_THRESHOLD"}
    before = cluster.value("flawgate_inspections_total", **labels)
    gateway.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(255)})
    assert cluster.value("flawgate_inspections_total", **labels) == before + 1
    assert cluster.value("flawgate_inspections_in_progress") == 0
    assert cluster.value("flawgate_inspection_score_ratio_count", recipe="spot") > 0
    for stage in ("wait", "preprocess", "decide", "archive", "record"):
        assert cluster.value("flawgate_stage_duration_seconds_count", stage=stage) > 0

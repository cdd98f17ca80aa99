"""Two decisions beside the one in force, over gRPC: a canary that judges more strictly, and a shadow like it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from support.api_keys import KeyMaker
from support.gateway_cluster import GatewayCluster, running_gateway
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_png
from support.second_decision import SecondDecision, second_decision
from support.served import spot_model
from support.stream_door import frame, hello, streaming
from support.tiny_repository import spot_recipe

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_contracts.errors import FlawgateError, InvalidParameter, PermissionDenied
from flawgate_contracts.recipe import Policy
from flawgate_gateway.access.caller import Scope

STRICT = spot_recipe(version="2", policy=Policy(version="strict", threshold=0.5))
PATH = "/v1/inspections"
CANARY = {"flawgate-variant": "canary"}
DOUBTFUL = spot_png(180)
"""A part with a score of 0.71: good by what is in force, bad by the canary."""
COMPARISONS = "flawgate_shadow_comparisons_total"
WAIT_S = 15.0


@pytest.fixture(scope="module")
def canary() -> Iterator[SecondDecision]:
    """The decision of canary and shadow alike."""
    with second_decision(spot_model(STRICT, version="2")) as second:
        yield second


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyMaker:
    """Makes keys for the gateway."""
    return KeyMaker(f"sqlite:///{tmp_path_factory.mktemp('gateway') / 'records.db'}")


@pytest.fixture(scope="module")
def cluster(canary: SecondDecision, keys: KeyMaker) -> Iterator[GatewayCluster]:
    """A gateway that gives the canary half of the frames, and compares all others."""
    given = {"canary_decision": canary.target, "shadow_decision": canary.target, "canary_share": 0.5}
    with running_gateway(access="keys", database_url=keys.url, recipe_ttl_s=0.2, policy_ttl_s=0, **given) as running:
        yield running


@pytest.fixture(scope="module")
def quality(cluster: GatewayCluster, keys: KeyMaker) -> Iterator[httpx.Client]:
    """A quality engineer, who may name the canary."""
    headers = keys.headers(Scope.INSPECT, Scope.READ, Scope.POLICY)
    with cluster.client() as client:
        client.headers.update(headers)
        yield client


@pytest.fixture(scope="module")
def mes(keys: KeyMaker) -> dict[str, str]:
    """An MES, which may not."""
    return keys.headers(Scope.INSPECT)


@pytest.fixture(scope="module")
def door(cluster: GatewayCluster) -> Iterator[DoorCaller]:
    """A caller of the gRPC door."""
    with door_caller(cluster.grpc_target) as caller:
        yield caller


def inspected(client: httpx.Client, headers: dict[str, str], part: str = "SN-1") -> dict[str, Any]:
    """The answer to the doubtful part."""
    fields = {"recipe": "spot", "part": part}
    answer = client.post(PATH, data=fields, files={"file": DOUBTFUL}, headers=headers)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def until(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + WAIT_S
    while not so() and time.monotonic() < end:
        time.sleep(0.02)
    assert so()


@pytest.mark.parametrize(
    ("variant", "expected"),
    [("stable", ("stable", "1", "1", "OK")), ("canary", ("canary", "2", "strict", "NOT_OK"))],
)
def test_a_request_names_who_judges(
    cluster: GatewayCluster, quality: httpx.Client, variant: str, expected: tuple[str, ...]
) -> None:
    """By its own recipe and policy; answer, record, list, CSV and metrics say who did."""
    names = ("variant", "recipe_version", "policy_version", "evaluation")
    counted = ("flawgate_variant_inspections_total", {"recipe": "spot", "variant": variant, "evaluation": expected[3]})
    before = cluster.value(counted[0], **counted[1])
    told = inspected(quality, {"flawgate-variant": variant}, part=f"named {variant}")
    assert tuple(told[name] for name in names) == expected
    assert quality.get(told["links"]["self"]).json()["variant"] == variant
    (found,) = quality.get(PATH, params={"variant": variant, "part": told["part"]}).json()["inspections"]
    assert found["inspection_id"] == told["inspection_id"]
    assert quality.get(f"{PATH}:export", params={"part": told["part"]}).text.rstrip().endswith(f",{variant}")
    assert cluster.value(counted[0], **counted[1]) == before + 1


def test_a_batch_names_who_judges_all_of_it(quality: httpx.Client) -> None:
    """Each of its frames."""
    files = [("file", DOUBTFUL)] * 3
    told = quality.post(f"{PATH}:batch", data={"recipe": "spot"}, files=files, headers=CANARY).json()
    assert [result["inspection"]["variant"] for result in told["results"]] == ["canary"] * 3


def test_a_call_names_who_judges(door: DoorCaller, quality: httpx.Client) -> None:
    """In its metadata; the message of the answer says who did."""
    key = [("authorization", quality.headers["authorization"])]
    named = [door.inspect(DOUBTFUL, metadata=[*key, ("flawgate-variant", each)]) for each in ("canary", "stable")]
    assert [each.variant for each in named] == ["canary", "stable"]
    listed = door.list(metadata=key, filter=pb.InspectionFilter(variant="canary"), page_size=1000).inspections
    assert named[0].inspection_id in {each.inspection_id for each in listed}
    assert {each.variant for each in listed} == {"canary"}


def test_without_a_name_a_share_is_the_canarys(quality: httpx.Client, mes: dict[str, str]) -> None:
    """Whoever asks; and the same key comes to the same one."""
    told = [inspected(quality, {**mes, "idempotency-key": f"k-{number}"})["variant"] for number in range(20)]
    assert set(told) == {"stable", "canary"}
    again = [inspected(quality, {**mes, "idempotency-key": f"k-{number}"})["variant"] for number in range(20)]
    assert told == again


def test_frames_of_a_stream_go_by_the_share(door: DoorCaller, quality: httpx.Client) -> None:
    """Each by its number, so that one which comes again is judged by the same; no stream names a variant."""
    key = [("authorization", quality.headers["authorization"])]
    with streaming(door, key) as stream:
        stream.open(hello("0e8f4f0e-0000-4000-8000-000000000001"))
        results = stream.settle([frame(number, DOUBTFUL) for number in range(1, 9)])
        stream.finish()
    variants = "".join(result.inspection.variant[0] for result in results)
    assert variants == "ccscsssc"
    with streaming(door, [*key, ("flawgate-variant", "stable")]) as stream, pytest.raises(InvalidParameter):
        stream.open()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [(CANARY, 403, "PERMISSION_DENIED"), ({"flawgate-variant": "shadow"}, 422, "INVALID_PARAMETER")],
)
def test_who_may_only_inspect_cannot_name_the_canary(
    quality: httpx.Client, mes: dict[str, str], headers: dict[str, str], status: int, code: str
) -> None:
    """What judges parts is decided by those who answer for policies; what is in force may be asked for by all."""
    for path in (PATH, f"{PATH}:batch"):
        fields = {"recipe": "spot"}
        answer = quality.post(path, data=fields, files={"file": DOUBTFUL}, headers={**mes, **headers})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert inspected(quality, {**mes, "flawgate-variant": "stable"})["variant"] == "stable"


@pytest.mark.parametrize(("value", "refusal"), [("canary", PermissionDenied), ("shadow", InvalidParameter)])
def test_a_call_that_may_only_inspect_cannot_either(
    door: DoorCaller, mes: dict[str, str], value: str, refusal: type[FlawgateError]
) -> None:
    """The doors refuse alike."""
    with pytest.raises(refusal):
        door.inspect(DOUBTFUL, metadata=[*mes.items(), ("flawgate-variant", value)])


def test_what_is_in_force_is_compared_with_the_shadow(cluster: GatewayCluster, quality: httpx.Client) -> None:
    """Another evaluation of the same score; of the same part when it is bad, the same one."""
    differs, agrees = ({"recipe": "spot", "result": result} for result in ("differs", "agrees"))
    before = cluster.value(COMPARISONS, **differs), cluster.value(COMPARISONS, **agrees)
    inspected(quality, {"flawgate-variant": "stable"})
    until(lambda: cluster.value(COMPARISONS, **differs) > before[0])
    files = {"file": spot_png(255)}
    quality.post(PATH, data={"recipe": "spot"}, files=files, headers={"flawgate-variant": "stable"})
    until(lambda: cluster.value(COMPARISONS, **agrees) > before[1])
    near = cluster.value("flawgate_shadow_score_difference_bucket", recipe="spot", le="0.001")
    assert near == cluster.value("flawgate_shadow_score_difference_count", recipe="spot") > 0
    judged = {"recipe": "spot", "variant": "shadow", "evaluation": "NOT_OK"}
    assert cluster.value("flawgate_variant_inspections_total", **judged) > 0


def test_a_policy_in_force_holds_for_the_canary_too(quality: httpx.Client) -> None:
    """As it would after a promotion: what the canary says is what the plant will get."""
    policy = {"threshold": 0.95, "guard_band": 0.0}
    drafted = quality.post("/v1/policies", json={"recipe": "spot", "policy": policy, "reason": "Fewer false alarms."})
    assert drafted.status_code == 201, drafted.text
    version = drafted.json()["version"]
    path = f"/v1/policies/spot/{version}:activate"
    assert quality.post(path, json={"reason": "Tried."}).status_code == 200
    told = inspected(quality, CANARY)
    assert (told["variant"], told["policy_version"], told["evaluation"]) == ("canary", version, "OK")
    assert quality.post("/v1/policies/spot:rollback", json={"reason": "Done."}).status_code == 200
    assert inspected(quality, CANARY)["policy_version"] == "strict"


def test_a_canary_that_goes_is_not_missed(
    cluster: GatewayCluster, quality: httpx.Client, canary: SecondDecision
) -> None:
    """Its frames are judged by what is in force, the gateway stays ready, and metrics tell. Last of this file."""
    until(lambda: cluster.value("flawgate_dependency_up", dependency="canary") == 1)
    canary.stop()
    told = inspected(quality, CANARY)
    assert (told["variant"], told["evaluation"]) == ("stable", "OK")
    fallbacks = {"recipe": "spot", "reason": "DEPENDENCY_UNAVAILABLE"}
    assert cluster.value("flawgate_canary_fallbacks_total", **fallbacks) >= 1
    until(lambda: cluster.registry.get_sample_value("flawgate_dependency_up", {"dependency": "canary"}) == 0)
    ready = quality.get("/readyz")
    assert (ready.status_code, "canary" in ready.json()["services"]) == (200, False)
    until(lambda: cluster.value(COMPARISONS, recipe="spot", result="failed") > 0)


def test_a_gateway_starts_without_its_variants_and_refuses_one_that_it_has_not() -> None:
    """Named in the settings, they may come later; not named, they cannot be asked for."""
    nobody = "127.0.0.1:9"
    away: dict[str, Any] = {"canary_decision": nobody, "canary_share": 1.0, "shadow_decision": nobody}
    with running_gateway(**away) as alone, alone.client() as client:
        assert inspected(client, {})["variant"] == "stable"
        assert client.get("/readyz").status_code == 200
    with running_gateway() as without, without.client() as client, door_caller(without.grpc_target) as caller:
        answer = client.post(PATH, data={"recipe": "spot"}, files={"file": DOUBTFUL}, headers=CANARY)
        assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")
        assert "GATEWAY_CANARY_DECISION" in answer.json()["detail"]
        with pytest.raises(InvalidParameter, match="GATEWAY_CANARY_DECISION"):
            caller.inspect(DOUBTFUL, metadata=[*CANARY.items()])
        assert inspected(client, {"flawgate-variant": "stable"})["variant"] == "stable"

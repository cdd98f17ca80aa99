"""A recipe whose models judge its golden frames otherwise than they must, seen from the plant."""

import time
from collections.abc import Iterator

import httpx
import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.golden import pattern_frame
from support.pictures import spot_png
from support.served import spot_model
from support.tiny_repository import spot_recipe

from flawgate_contracts.golden import Golden
from flawgate_inference.model_server import ServedModel

READY_S = 10.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[GatewayCluster]:
    """Gateway, preprocessing and decision; the one recipe's golden frame expects another score than its models give."""
    golden = Golden(tolerance=1e-4, frames=(pattern_frame(spot_recipe(), "NOT_OK", 0.97),))
    model = spot_model()
    parameters = {**model.parameters, "golden": golden.model_dump_json()}
    with running_gateway([ServedModel("spot", "1", ready=True, parameters=parameters)], recipe_ttl_s=0.2) as running:
        yield running


def test_every_part_has_its_record_and_none_is_ok(gateway: httpx.Client) -> None:
    """Score, defects and pictures are those of the models; the verdict is not."""
    answer = gateway.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["evaluation"], told["reason"]) == ("NOT_DECIDABLE", "GOLDEN_CHECK_FAILED")
    assert (told["score"], told["threshold"], told["recipe_version"]) == (1.0, 0.9, "1")
    assert [defect["class"] for defect in told["defects"]] == ["spot"]
    assert gateway.get(told["links"]["self"]).json()["reason"] == "GOLDEN_CHECK_FAILED"
    assert gateway.get(told["links"]["mask"]).status_code == 200


def test_the_recipe_shows_what_came_of_its_last_check(gateway: httpx.Client) -> None:
    """State, sentence and figures, for whoever looks why all parts are NOT_DECIDABLE."""
    told = gateway.get("/v1/recipes/spot").json()
    assert told["state"] == "UNTRUSTED"
    assert told["detail"].startswith("1 of 1 golden frames are judged otherwise than at its export")
    golden = told["golden"]
    assert (golden["passed"], golden["failed"], golden["missing"]) == (0, 1, 0)
    assert golden["largest_difference"] == pytest.approx(0.97 - 194 / 255, abs=1e-6)
    assert golden["checked_at"].endswith("Z")


def test_readiness_follows_the_golden_frames(gateway: httpx.Client) -> None:
    """No recipe can be trusted, so no frame can be inspected now."""
    ends_at = time.monotonic() + READY_S
    while (answer := gateway.get("/readyz")).status_code != 503 and time.monotonic() < ends_at:
        time.sleep(0.05)
    assert answer.status_code == 503
    assert "decision" in answer.text

import time
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_png
from support.served import spot_model

from flawgate_contracts.errors import ModelServerUnavailable
from flawgate_inference.model_server import ServedModel

LOST = ModelServerUnavailable("The model server does not answer.")
BROKEN = ServedModel("crooked", "1", ready=True, parameters={"recipe": "{"})
MISSING = ServedModel("lost", "", ready=False, detail="it needs lost_cls, which is not loaded")


def inspect(gateway: httpx.Client, recipe: str = "spot") -> httpx.Response:
    """Send a frame."""
    return gateway.post("/v1/inspections", data={"recipe": recipe}, files={"file": spot_png(255)})


def wait_until(met: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until a condition is met, which the caller asserts."""
    deadline = time.monotonic() + timeout_s
    while not met() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_model_server_that_is_lost_and_comes_back(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """Down: not ready, 503, retryable, never an evaluation. Up again: it goes on by itself."""
    cluster.model_server.down = LOST
    wait_until(lambda: gateway.get("/readyz").status_code == 503)
    assert gateway.get("/readyz").json()["services"] == {"preprocessing": True, "decision": False, "records": True}
    answer = inspect(gateway)
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    assert answer.json()["code"] in {"MODEL_SERVER_UNAVAILABLE", "RECIPE_UNAVAILABLE"}
    assert "The model server does not answer." in answer.json()["detail"]
    assert "evaluation" not in answer.json()
    cluster.model_server.down = None
    wait_until(lambda: inspect(gateway).status_code == 201)
    assert gateway.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("recipe", "status", "code", "detail"),
    [
        ("crooked", 500, "BROKEN_RECIPE", "cannot be read"),
        ("lost", 503, "RECIPE_UNAVAILABLE", "needs lost_cls"),
        ("nowhere", 404, "UNKNOWN_RECIPE", "known are: crooked, lost, spot"),
    ],
)
def test_a_bad_recipe_does_not_take_the_others_with_it(
    cluster: GatewayCluster, gateway: httpx.Client, recipe: str, status: int, code: str, detail: str
) -> None:
    """Broken JSON, a missing model and a wrong name each say so; the good recipe is served."""
    cluster.model_server.served = [spot_model(), BROKEN, MISSING]
    wait_until(lambda: len(gateway.get("/v1/recipes").json()["recipes"]) == 3)
    answer = inspect(gateway, recipe)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert detail in answer.json()["detail"]
    assert inspect(gateway).status_code == 201


def test_a_model_that_fails_is_a_bad_gateway(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """What a model says that is no score is no evaluation."""
    wait_until(lambda: inspect(gateway).status_code == 201)
    answers = cluster.model_server.answers
    cluster.model_server.answers = {"score": np.array([[np.nan]], np.float32), "mask": np.array([[np.nan]], np.float32)}
    answer = inspect(gateway)
    cluster.model_server.answers = answers
    assert (answer.status_code, answer.json()["code"]) == (502, "MODEL_FAILURE")
    assert inspect(gateway).status_code == 201


def test_a_service_that_is_gone_is_named() -> None:
    """503 with the name of the service, in the problem and in readiness."""
    with running_gateway() as cluster, cluster.client() as gateway:
        assert inspect(gateway).status_code == 201
        cluster.stop_preprocessing()
        answer = inspect(gateway)
        assert (answer.status_code, answer.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
        assert answer.json()["metadata"] == {"service": "preprocessing"}
        assert "preprocessing" in answer.json()["detail"]
        assert answer.headers["retry-after"] == "1"
        assert gateway.get("/readyz").json()["services"] == {"preprocessing": False, "decision": True, "records": True}

import time
from collections.abc import Callable

import httpx
from support.gateway_cluster import GatewayCluster
from support.pictures import spot_png

REQUESTS = "flawgate_http_requests_total"


def counted_later(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + 10
    while not so() and time.monotonic() < end:
        time.sleep(0.01)
    assert so()


def test_requests_are_counted_by_route_and_status(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """With their durations; what fails on a route that was asked for is counted from 0 on."""
    asked = {"method": "POST", "route": "/v1/inspections"}
    before = cluster.value("flawgate_http_request_duration_seconds_count", **asked)
    gateway.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)})
    gateway.post("/v1/inspections", data={"recipe": "nothing"}, files={"file": spot_png(255)})
    # A request is counted once its answer is out, which may be a moment after the caller has it.
    counted_later(lambda: cluster.value("flawgate_http_request_duration_seconds_count", **asked) == before + 2)
    counted_later(lambda: cluster.value(REQUESTS, code="404", **asked) >= 1)
    assert cluster.value(REQUESTS, code="201", **asked) >= 1
    zeros = [cluster.registry.get_sample_value(REQUESTS, {**asked, "code": code}) for code in ("500", "503")]
    assert zeros == [0, 0]


def test_a_recipe_that_nobody_has_is_no_series(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """It is a failure by its reason, and its name is in the log alone."""
    gateway.post("/v1/inspections", data={"recipe": "nothing"}, files={"file": spot_png(255)})
    names = {
        sample.labels["recipe"]
        for metric in cluster.registry.collect()
        for sample in metric.samples
        if "recipe" in sample.labels
    }
    assert names == {"spot"}

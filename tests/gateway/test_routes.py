import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from support.gateway_cluster import ACCESS_OFF, served
from support.gateway_fakes import CountingObserver, FakeDecider, FakePreprocessor

from flawgate_contracts.errors import FlawgateError, error_classes
from flawgate_gateway.admission.gate import AdmissionGate
from flawgate_gateway.app import connected_parts, create_app
from flawgate_gateway.building import create_inspector
from flawgate_gateway.core import Way
from flawgate_gateway.parts import Parts
from flawgate_gateway.ports import ListedRecipe
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.settings import GatewaySettings

PROBLEM = "application/problem+json"


class Bench:
    """The REST door over fakes, and records in a file."""

    def __init__(self, settings: GatewaySettings, parts: Parts) -> None:
        self.preprocessor = FakePreprocessor()
        self.decider = FakeDecider()
        self.observer = CountingObserver()
        self.serving = {"preprocessing": True, "decision": True, "records": True}
        recipes = RecipeBook(self.decider, ttl_s=0)
        gate = AdmissionGate(max_in_progress=1, max_waiting=0)
        way = Way(self.preprocessor, self.decider, recipes, gate, parts.archive, parts.records)
        inspector = create_inspector(settings, way, self.observer)
        self.app = create_app(settings, replace(parts, inspector=inspector, recipes=recipes, check=self._check))
        self.client = httpx.AsyncClient()

    async def _check(self) -> dict[str, bool]:
        return self.serving

    async def inspect(self) -> httpx.Response:
        """Send a frame."""
        return await self.client.post("/v1/inspections", data={"recipe": "spot"}, files={"file": b"a picture"})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Served on a free port."""
    given = {"data_dir": tmp_path, "triton_http_url": "", **ACCESS_OFF}
    settings = GatewaySettings.model_validate(given)
    async with connected_parts(settings, CollectorRegistry()) as parts:
        bench = Bench(settings, parts)
        async with served(bench.app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as bench.client:
            yield bench


async def test_the_recipes_are_listed_with_their_state(bench: Bench) -> None:
    """What can be inspected, and why the rest cannot, without how the pixels are treated."""
    bench.decider.listed.append(ListedRecipe("zigzag", "BROKEN", "Its JSON ends early.", None))
    spot, zigzag = (await bench.client.get("/v1/recipes")).json()["recipes"]
    assert (spot["name"], spot["state"], spot["detail"], spot["kind"]) == ("spot", "READY", "", "cascade")
    assert spot["input"] == {"channels": 1, "height": 32, "width": 24}
    assert spot["policy"]["guard_band"] == 0.1
    assert spot["provenance"]["licence"] == "Apache-2.0"
    assert "steps" not in spot
    assert (zigzag["state"], zigzag["detail"], zigzag["version"]) == ("BROKEN", "Its JSON ends early.", None)


async def test_one_recipe_is_shown_as_in_the_list(bench: Bench) -> None:
    """By its name; another name is a 404 that says which there are."""
    listed = (await bench.client.get("/v1/recipes")).json()["recipes"]
    assert (await bench.client.get("/v1/recipes/spot")).json() == listed[0]
    answer = await bench.client.get("/v1/recipes/sport")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no recipe 'sport' here; known are: spot."


async def test_every_problem_type_is_explained(bench: Bench) -> None:
    """Each `type` is a page of this server with status, meaning and whether a retry helps."""
    listed = (await bench.client.get("/problems")).json()
    assert {problem["code"] for problem in listed} == {
        cls.reason for cls in error_classes() if cls is not FlawgateError
    }
    for problem in listed:
        assert (await bench.client.get(problem["type"])).json() == problem
        assert problem["meaning"]
    assert (await bench.client.get("/problems/NOTHING")).status_code == 404


async def test_liveness_is_this_process_alone(bench: Bench) -> None:
    """A restart of the gateway would not help against a service that is down."""
    bench.serving = dict.fromkeys(bench.serving, False)
    answer = await bench.client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"live": True})


@pytest.mark.parametrize("down", ["preprocessing", "decision", "records", None])
async def test_readiness_names_the_service_that_is_down(bench: Bench, down: str | None) -> None:
    """200 when a frame could go all the way, else 503."""
    bench.serving = {name: name != down for name in bench.serving}
    answer = await bench.client.get("/readyz")
    assert answer.status_code == (200 if down is None else 503)
    assert answer.json() == {"ready": down is None, "stopping": False, "services": bench.serving}


async def test_a_stopping_gateway_is_not_ready_but_still_serves(bench: Bench) -> None:
    """Balancers are told before the door closes."""
    bench.app.state.stopping = True
    answer = await bench.client.get("/readyz")
    assert (answer.status_code, answer.json()["stopping"]) == (503, True)
    assert (await bench.inspect()).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "NOT_FOUND"),
        ("PATCH", "/v1/inspections", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/v1/recipes/spot", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/v1/inspections/", 404, "NOT_FOUND"),
        ("GET", "/v1/%2e%2e/%0d%0aset-cookie:x", 404, "NOT_FOUND"),
    ],
)
async def test_a_wrong_path_or_method_is_a_problem_too(
    bench: Bench, method: str, path: str, status: int, code: str
) -> None:
    """HTTP's own errors come in the same shape, and lead to the description of the API."""
    answer = await bench.client.request(method, path)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert "/docs" in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "set-cookie" not in answer.headers


async def test_a_refused_method_names_those_that_the_path_has(bench: Bench) -> None:
    """All of them, though each is a route of its own."""
    answer = await bench.client.delete("/v1/inspections")
    assert answer.headers["allow"] == "GET, POST"
    assert answer.json()["detail"] == "/v1/inspections does not take DELETE, but GET, POST; /docs says more."


async def test_a_moment_is_written_in_one_way(bench: Bench) -> None:
    """A number, which could be seconds or milliseconds of some epoch, is none."""
    answer = await bench.client.post(
        "/v1/inspections", data={"recipe": "spot", "acquired_at": "0"}, files={"file": b"x"}
    )
    assert (answer.status_code, answer.json()["metadata"]) == (422, {"field": "acquired_at"})
    assert "RFC 3339" in answer.json()["detail"]


async def test_a_bug_is_answered_with_a_fixed_sentence(bench: Bench) -> None:
    """No word of an unexpected exception reaches the caller, and the next frame is inspected."""
    bench.decider.errors = [ZeroDivisionError("secret internals")]
    answer = await bench.inspect()
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "secret" not in answer.text
    assert answer.json()["code"] == "INTERNAL_ERROR"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert (await bench.inspect()).status_code == 201


async def test_too_many_at_once_are_told_to_come_back(bench: Bench) -> None:
    """429 with Retry-After, for a program that waits."""
    bench.decider.delay_s = 0.3
    answers = await asyncio.gather(bench.inspect(), bench.inspect())
    assert sorted(answer.status_code for answer in answers) == [201, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["retryable"] is True

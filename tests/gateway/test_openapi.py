import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema_rs import Draft202012Validator

from flawgate_gateway.rest.operations import OPERATIONS
from flawgate_gateway.rest.problem_types import answered_classes
from flawgate_gateway.rest.problems import Problem

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "application/problem+json"
NEVER_ALONE = {"UNKNOWN_VERSION"}
"""Problems of no documented operation: recipes are promoted by a command."""


@pytest.fixture
def document(gateway: httpx.Client) -> dict[str, Any]:
    """What an integrator reads."""
    document: dict[str, Any] = gateway.get("/openapi.json").json()
    return document


def nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from nodes(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from nodes(inner)


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(method, path) → operation."""
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """A generator of clients finds each schema."""
    references = {node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)}
    assert "#/components/schemas/Problem" in references
    for reference in references:
        part: Any = document
        for key in reference.removeprefix("#/").split("/"):
            part = part[key]
        assert part


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    """A summary, a description, an id of its own and a tag that is described."""
    found = operations(document)
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert all(operation["summary"] and operation["description"] for operation in found.values())
    assert {tag for operation in found.values() for tag in operation["tags"]} == tags
    assert {operation["operationId"] for operation in found.values()} == set(OPERATIONS)
    assert len(found) == len(OPERATIONS)


def test_every_operation_but_the_open_ones_asks_for_a_key(document: dict[str, Any]) -> None:
    """Its scope stands with it."""
    without = {path for (_, path), operation in operations(document).items() if not operation.get("security")}
    assert without == {"/livez", "/readyz", "/problems", "/problems/{code}", "/schemas", "/schemas/{name}"}
    assert "ApiKey" in document["components"]["securitySchemes"]


def test_every_body_has_an_example_that_is_one(document: dict[str, Any]) -> None:
    """JSON that is sent or answered is shown, and the document's own schemas take what is shown."""
    shown = 0
    for where, schema, examples in json_bodies(document):
        assert examples, f"{where} shows no example"
        # OpenAPI 3.1 is JSON Schema 2020-12; its references are into the document.
        validator = Draft202012Validator({**schema, "components": document["components"]})
        for example in examples:
            assert [error.message for error in validator.iter_errors(example)] == [], where
            shown += 1
    assert shown > len(operations(document))


def json_bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """Every JSON body: where it stands, its schema, its examples."""
    for (method, path), operation in operations(document).items():
        told = {"sent": operation.get("requestBody", {}), **operation["responses"]}
        for name, part in told.items():
            for media_type, content in part.get("content", {}).items():
                if ("json" in media_type and name != "503") or media_type == PROBLEM:
                    schema = content["schema"]
                    yield f"{method} {path} {name}", schema, list(examples_of(document, content, schema))


def examples_of(document: dict[str, Any], content: dict[str, Any], schema: dict[str, Any]) -> Iterator[Any]:
    """The examples of a body, or else of its schema."""
    if "example" in content:
        yield content["example"]
    for example in content.get("examples", {}).values():
        yield resolved(document, example)["value"]
    if "example" in (model := resolved(document, schema)):
        yield model["example"]


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    for key in part.get("$ref", "#/").removeprefix("#/").split("/"):
        part = document if key == "components" else part
        part = part[key] if key else part
    return part


def test_every_problem_has_an_example_of_its_own(document: dict[str, Any]) -> None:
    """Whatever the gateway may refuse with, under the code that a program branches on, and where it may come."""
    examples = document["components"]["examples"]
    assert {cls.reason for cls in answered_classes()} == set(examples)
    for code, example in examples.items():
        assert example["value"]["code"] == code
        assert Problem.model_validate(example["value"]).model_dump(exclude_none=True) == example["value"]
    used = {
        node["$ref"].rpartition("/")[2] for node in nodes(document["paths"]) if "/examples/" in node.get("$ref", "")
    }
    assert set(examples) - used == NEVER_ALONE


def test_an_inspection_says_all_that_it_may_end_with(document: dict[str, Any]) -> None:
    """By status, as problems, with the codes in words and as examples; when to come again stands beside them."""
    responses = operations(document)["post", "/v1/inspections"]["responses"]
    statuses = {int(status) for status in responses}
    assert statuses == {201, 400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 504, 507}
    for status in set(responses) - {"201"}:
        content = responses[status]["content"][PROBLEM]
        assert all(f"`{code}`" in responses[status]["description"] for code in content["examples"])
    assert set(responses["409"]["content"][PROBLEM]["examples"]) == {"REQUEST_IN_PROGRESS"}
    assert {"Location", "Idempotency-Replayed", "x-request-id"} <= set(responses["201"]["headers"])
    assert all("Retry-After" in responses[status]["headers"] for status in ("409", "429", "503", "504", "507"))
    assert "WWW-Authenticate" in responses["401"]["headers"]


def test_a_probe_promises_no_more_than_it_says(document: dict[str, Any]) -> None:
    """What needs no key cannot be refused for want of one."""
    assert set(operations(document)["get", "/livez"]["responses"]) == {"200", "400", "500"}


def test_both_ways_of_sending_a_picture_are_described(document: dict[str, Any]) -> None:
    """Form and body, with every field in both."""
    operation = operations(document)["post", "/v1/inspections"]
    content = operation["requestBody"]["content"]
    assert set(content) >= {"multipart/form-data", "image/png", "image/jpeg", "application/octet-stream"}
    form = content["multipart/form-data"]["schema"]
    assert form["required"] == ["file", "recipe"]
    queried = {parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "query"}
    assert queried == set(form["properties"]) - {"file"}


def test_every_parameter_says_what_it_means(document: dict[str, Any]) -> None:
    """In the query, the path and the headers: pages made of the document show only what stands there."""
    silent = [
        (path, parameter["name"])
        for (_, path), operation in operations(document).items()
        for parameter in (resolved(document, each) for each in operation.get("parameters", ()))
        if not parameter.get("description")
    ]
    assert silent == []


def test_no_error_of_fastapis_own_shape_is_promised(document: Any) -> None:
    """Every error is a problem, so an integrator writes one reader."""
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_documentation_page_is_served(gateway: httpx.Client) -> None:
    """A person finds the API by a browser, in a factory without a way to the outside too."""
    page = gateway.get("/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert sources
    assert {200} == {gateway.get(source).status_code for source in sources}

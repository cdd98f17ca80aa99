import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from flawgate_gateway.answer import Inspection
from flawgate_gateway.rest.problems import Problem

METHODS = ("get", "post", "put", "patch", "delete")
EXAMPLES: dict[str, type[BaseModel]] = {
    "#/components/schemas/Inspection": Inspection,
    "#/components/schemas/Problem": Problem,
}


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


def test_every_route_says_what_it_does(document: dict[str, Any]) -> None:
    """A summary, an id of its own and a tag; all documented paths are there."""
    found = operations(document)
    assert set(found) == {
        ("post", "/v1/inspections"),
        ("get", "/v1/inspections/{inspection_id}"),
        ("get", "/v1/inspections/{inspection_id}/mask.png"),
        ("get", "/v1/inspections/{inspection_id}/overlay.png"),
        ("get", "/v1/recipes"),
        ("get", "/v1/recipes/{name}"),
        ("get", "/problems"),
        ("get", "/problems/{code}"),
        ("get", "/livez"),
        ("get", "/readyz"),
    }
    assert all(operation["summary"] and operation["tags"] for operation in found.values())
    assert len({operation["operationId"] for operation in found.values()}) == len(found)


def test_every_example_is_what_the_code_would_send(document: dict[str, Any]) -> None:
    """Examples are validated by the very models that write the answers."""
    checked = 0
    for content in nodes(document):
        model = EXAMPLES.get(str(content.get("schema", {}).get("$ref"))) if "example" in content else None
        if model is not None:
            example = content["example"]
            assert model.model_validate(example).model_dump(mode="json", exclude_none=True) == example
            checked += 1
    assert checked > 10


def test_every_problem_is_a_problem(document: dict[str, Any]) -> None:
    """Whatever is refused comes as application/problem+json, and the codes of each status are named."""
    responses = operations(document)["post", "/v1/inspections"]["responses"]
    for status in ("400", "404", "413", "415", "422", "429", "500", "502", "503", "504"):
        assert "application/problem+json" in responses[status]["content"]
        assert responses[status]["description"].startswith("`")


def test_both_ways_of_sending_a_picture_are_described(document: dict[str, Any]) -> None:
    """Form and body, with every field in both."""
    operation = operations(document)["post", "/v1/inspections"]
    content = operation["requestBody"]["content"]
    assert set(content) >= {"multipart/form-data", "image/png", "image/jpeg", "application/octet-stream"}
    form = content["multipart/form-data"]["schema"]
    assert form["required"] == ["file", "recipe"]
    assert {parameter["name"] for parameter in operation["parameters"]} == set(form["properties"]) - {"file"}


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

"""What the OpenAPI document says of the API as a whole, beyond its single routes."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from flawgate_contracts.errors import InternalError, InvalidRequest, error_classes
from flawgate_gateway.rest.illustrations import ANSWERED, SENT
from flawgate_gateway.rest.openapi import EVERYWHERE, problems
from flawgate_gateway.rest.operations import OPERATIONS
from flawgate_gateway.rest.problem_types import TRACE_ID, answered_classes, example_problem

METHODS = frozenset({"get", "post", "put", "patch", "delete"})

TAGS = [
    {"name": "inspections", "description": "Frames in, evaluations out; records found again."},
    {"name": "pictures", "description": "What an inspection saw: the frame, its mask, and all that was found on it."},
    {"name": "recipes", "description": "What can be inspected."},
    {"name": "policies", "description": "Thresholds and guard bands: versions, what-if, putting in force, roll-back."},
    {"name": "reviews", "description": "What people say of inspections; the queue of those that somebody should see."},
    {"name": "holds", "description": "Pictures that no rule of retention may remove."},
    {"name": "sinks", "description": "Where events are delivered to, and what could not be delivered."},
    {"name": "keys", "description": "API keys and their scopes, for administrators."},
    {"name": "streams", "description": "Cameras that stream frames (gRPC): numbers, gaps, events as they happen."},
    {"name": "open inference", "description": "The Open Inference Protocol (KServe v2) of the model server behind."},
    {"name": "problems", "description": "What each problem's `type` means."},
    {"name": "health", "description": "For probes; needs no key."},
]

PARAMETERS: dict[str, Any] = {
    "RequestId": {
        "name": "x-request-id",
        "in": "header",
        "required": False,
        "description": "Names the request in the logs of all services and in the answer: 1 to 64 characters of "
        "`A–Z a–z 0–9 . _ -`. Another is made where it is missing, or written otherwise.",
        "schema": {"type": "string"},
        "example": "mes-2026-47-000123",
    },
    "TraceParent": {
        "name": "traceparent",
        "in": "header",
        "required": False,
        "description": "W3C Trace Context: the trace that the request belongs to.",
        "schema": {"type": "string"},
        "example": f"00-{TRACE_ID}-b7ad6b7169203331-01",
    },
}

HEADERS: dict[str, Any] = {
    "RequestId": {"description": "What to ask for in the logs.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds after which a retry may help.", "schema": {"type": "integer"}},
    "Authenticate": {"description": "How to send the key (RFC 6750).", "schema": {"type": "string"}},
    "RateLimit": {
        "description": "What the key's rate leaves: `r` requests now, all of them again after `t` seconds "
        "(draft-ietf-httpapi-ratelimit-headers-10).",
        "schema": {"type": "string"},
        "example": '"key";r=99;t=1',
    },
}


def operation_id(route: APIRoute) -> str:
    """The route's function names the operation, for generators of clients."""
    return route.name


def describe(app: FastAPI) -> None:
    """Complete the app's OpenAPI document when it is first asked for."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        if "tags" not in document:
            _complete(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI wants it done


PATH_PARAMETERS = {
    "inspection_id": "UUIDv7 of the inspection, as its answer said it.",
    "hold_id": "UUIDv7 of the hold.",
    "stream_id": "UUID of the stream, as its camera's side named it.",
    "station": "The station, as inspections name it.",
    "key_id": "Id of the key: what stands between `fg_` and the next `_`.",
    "recipe": "Name of the recipe, see `GET /v1/recipes`.",
    "version": "Version of the policy, such as `p1`, see `GET /v1/policies`.",
    "name": "Its name, as the list of them says it.",
    "code": "The `code` of a problem, such as `UNKNOWN_RECIPE`.",
}


def _complete(document: dict[str, Any]) -> None:
    operations = list(_operations(document))
    used = {tag for _, operation in operations for tag in operation["tags"]}
    document["tags"] = [tag for tag in TAGS if tag["name"] in used]
    components = document["components"]
    components["parameters"], components["headers"] = PARAMETERS, HEADERS
    components["examples"] = {
        cls.reason: {"summary": problem.title, "value": problem.model_dump(exclude_none=True)}
        for cls, problem in ((cls, example_problem(cls)) for cls in answered_classes())
    }
    for path, operation in operations:
        has_key = "security" in operation
        _describe(operation, has_key=has_key)
        _illustrate(operation)
        _add_parameters(path, operation)
        for status, response in operation["responses"].items():
            _add_headers(status, response, has_key=has_key)
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((path, operation) for method, operation in item.items() if method in METHODS)


def _describe(operation: dict[str, Any], *, has_key: bool) -> None:
    """What it does, and what it may end with; of that, the router alone knows too much, or FastAPI's own shape."""
    told = OPERATIONS[operation["operationId"]]
    if told.description is not None:
        operation["description"] = told.description
    ends = problems(*told.ends_with, everywhere=EVERYWHERE if has_key else (InvalidRequest, InternalError))
    operation["responses"] = {
        **{status: response for status, response in operation["responses"].items() if not _is_problem(response)},
        **{str(status): _without_model(response) for status, response in ends.items()},
    }


def _is_problem(response: dict[str, Any]) -> bool:
    schemas = [content.get("schema", {}).get("$ref", "") for content in response.get("content", {}).values()]
    return any(schema.endswith(("/Problem", "/HTTPValidationError")) for schema in schemas)


def _without_model(response: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in response.items() if key != "model"}


def _illustrate(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    if name in SENT:
        operation["requestBody"]["content"]["application/json"]["example"] = SENT[name]
    if name in ANSWERED:
        answers = (answer for status, answer in operation["responses"].items() if status.startswith("2"))
        (content,) = next(answers)["content"].values()
        content["example"] = ANSWERED[name]


def _add_parameters(path: str, operation: dict[str, Any]) -> None:
    names = ("RequestId", "TraceParent") if path.startswith("/v") else ()
    references = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    own = [
        {**parameter, "description": PATH_PARAMETERS[parameter["name"]]} if parameter["in"] == "path" else parameter
        for parameter in operation.get("parameters", ())
    ]
    operation["parameters"] = [*own, *references]


def _add_headers(status: str, response: dict[str, Any], *, has_key: bool) -> None:
    headers = response.setdefault("headers", {})
    headers["x-request-id"] = {"$ref": "#/components/headers/RequestId"}
    if any(f"`{cls.reason}`" in response.get("description", "") for cls in error_classes() if cls.retryable):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if status == "401":
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/Authenticate"}
    if has_key and status.startswith("2"):
        headers["RateLimit"] = {"$ref": "#/components/headers/RateLimit"}

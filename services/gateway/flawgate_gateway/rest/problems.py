"""Errors as RFC 9457 problems: `application/problem+json`, one `type` for each class of the error tree."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from flawgate_contracts.context import current_context
from flawgate_contracts.errors import FlawgateError, InvalidParameter
from flawgate_contracts.http_errors import HTTP_PROBLEMS, error_headers
from flawgate_gateway.faults import invalid_parameter

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
"""Those that a route may have."""


class FieldFault(BaseModel):
    """One part of the request that is wrong."""

    detail: str
    pointer: str = Field(description="JSON Pointer as a fragment, e.g. `#/recipe`.")


class Problem(BaseModel):
    """RFC 9457, with extension members of ours."""

    type: str = Field(description="`/problems/REASON`, a page of this server; `about:blank` for HTTP's own errors.")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do, for a person.")
    instance: str = Field(description="The path that was asked for.")
    code: str = Field(description="Stable machine word: the REASON.")
    retryable: bool = Field(description="Whether the same request may succeed later.")
    request_id: str
    trace_id: str
    metadata: dict[str, str] = Field(default_factory=dict, description="Further facts.")
    errors: list[FieldFault] | None = None


def problem_response(error: FlawgateError, path: str) -> JSONResponse:
    """The answer that says an error; the log says it too."""
    log.info("request refused", path=path, reason=error.reason, detail=error.message)
    return _response(problem_of(error, path), error_headers(error))


def problem_of(error: FlawgateError, instance: str) -> Problem:
    """An error as a problem; `instance` is what it happened to."""
    context = current_context()
    return Problem(
        type=f"/problems/{error.reason}",
        title=HTTP_PROBLEMS[type(error)].title,
        status=HTTP_PROBLEMS[type(error)].status,
        detail=error.message,
        instance=instance,
        code=error.reason,
        retryable=error.retryable,
        request_id=context.request_id,
        trace_id=context.trace_id,
        metadata=error.metadata,
        errors=_field_faults(error),
    )


def install_handlers(app: FastAPI) -> None:
    """Let every error of the app, FastAPI's own too, leave it as a problem."""

    @app.exception_handler(FlawgateError)
    async def on_flawgate(request: Request, error: FlawgateError) -> JSONResponse:
        return problem_response(error, request.url.path)

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(invalid_parameter(error.errors()), request.url.path)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        return _http_response(error, request)


def _field_faults(error: FlawgateError) -> list[FieldFault] | None:
    if not isinstance(error, InvalidParameter) or "field" not in error.metadata:
        return None
    return [FieldFault(detail=error.message, pointer="#/" + error.metadata["field"].replace(".", "/"))]


def _http_response(error: HTTPException, request: Request) -> JSONResponse:
    """HTTP's own errors (404, 405, ...) have no `type` of ours."""
    context, status = current_context(), HTTPStatus(error.status_code)
    problem = Problem(
        type="about:blank",
        title=status.phrase,
        status=status,
        detail=_http_sentence(request, status),
        instance=request.url.path,
        code=status.name,
        retryable=False,
        request_id=context.request_id,
        trace_id=context.trace_id,
    )
    return _response(problem, {"allow": _allowed(request)} if status == HTTPStatus.METHOD_NOT_ALLOWED else {})


def _http_sentence(request: Request, status: HTTPStatus) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return f"There is nothing at {request.url.path}; /docs lists what there is."
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.url.path} does not take {request.method}, but {_allowed(request)}; /docs says more."
    return f"{request.method} {request.url.path} was refused: {status.phrase}; /docs says how to ask."


def _allowed(request: Request) -> str:
    """The methods of all routes at the path; Starlette names those of the first alone."""
    return ", ".join(
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    )


def _response(problem: Problem, headers: Mapping[str, str]) -> JSONResponse:
    return JSONResponse(problem.model_dump(exclude_none=True), problem.status, headers, MEDIA_TYPE)

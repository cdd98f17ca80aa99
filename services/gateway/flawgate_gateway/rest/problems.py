"""Errors as RFC 9457 problems: `application/problem+json`, one `type` for each class of the error tree."""

import inspect
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from flawgate_contracts.context import current_context
from flawgate_contracts.errors import FlawgateError, InvalidParameter, error_classes
from flawgate_contracts.grpc_errors import RETRY_DELAY_S
from flawgate_contracts.http_errors import HTTP_PROBLEMS

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


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


class ProblemType(BaseModel):
    """What one `type` means."""

    type: str
    code: str
    status: int
    title: str
    retryable: bool
    meaning: str


def problem_types() -> list[ProblemType]:
    """All types, in the order of the error tree."""
    return [
        ProblemType(
            type=f"/problems/{cls.reason}",
            code=cls.reason,
            status=HTTP_PROBLEMS[cls].status,
            title=HTTP_PROBLEMS[cls].title,
            retryable=cls.retryable,
            meaning=inspect.getdoc(cls) or "",
        )
        for cls in error_classes()
        if cls is not FlawgateError
    ]


def problem_response(error: FlawgateError, path: str) -> JSONResponse:
    """The answer that says an error; the log says it too."""
    context = current_context()
    log.info("request refused", path=path, reason=error.reason, detail=error.message)
    problem = Problem(
        type=f"/problems/{error.reason}",
        title=HTTP_PROBLEMS[type(error)].title,
        status=HTTP_PROBLEMS[type(error)].status,
        detail=error.message,
        instance=path,
        code=error.reason,
        retryable=error.retryable,
        request_id=context.request_id,
        trace_id=context.trace_id,
        metadata=error.metadata,
        errors=_field_faults(error),
    )
    return _response(problem, {"retry-after": str(RETRY_DELAY_S)} if error.retryable else {})


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


def invalid_parameter(faults: Sequence[Any]) -> InvalidParameter:
    """The first of pydantic's faults as an error that names the field."""
    fault = faults[0]
    field = ".".join(str(part) for part in fault["loc"] if part not in ("query", "path", "body"))[:64]
    if fault["type"] == "missing":
        return InvalidParameter(
            f"The field `{field}` is missing; send it as a form field or in the query.", {"field": field}
        )
    if fault["type"] == "extra_forbidden":
        return InvalidParameter(f"There is no field `{field}`; /docs lists those that there are.", {"field": field})
    if fault["type"] == "string_pattern_mismatch":
        return InvalidParameter(f"The field `{field}` is not written as it must be; /docs says how.", {"field": field})
    return InvalidParameter(f"The field `{field}` is not as it must be: {fault['msg']}.", {"field": field})


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
        detail=f"{request.method} {request.url.path}: {error.detail}. The API is described at /docs.",
        instance=request.url.path,
        code=status.name,
        retryable=False,
        request_id=context.request_id,
        trace_id=context.trace_id,
    )
    return _response(problem, error.headers or {})


def _response(problem: Problem, headers: Mapping[str, str]) -> JSONResponse:
    return JSONResponse(problem.model_dump(exclude_none=True), problem.status, headers, MEDIA_TYPE)

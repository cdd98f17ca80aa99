"""Errors as the Open Inference Protocol wants them: a status, and `{"error": "..."}`, nothing else."""

import structlog
from starlette.responses import JSONResponse

from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.http_errors import HTTP_PROBLEMS, error_headers

log = structlog.get_logger(__name__)


def error_response(status: int, sentence: str) -> JSONResponse:
    """An error that is the protocol's own."""
    return JSONResponse({"error": sentence}, int(status))


def refusal(error: FlawgateError, path: str) -> JSONResponse:
    """The answer that says an error; the log says it too. Its status is the one that the REST door has for it."""
    log.info("request refused", path=path, reason=error.reason, detail=error.message)
    response = error_response(HTTP_PROBLEMS[type(error)].status, error.message)
    response.headers.update(error_headers(error))
    return response

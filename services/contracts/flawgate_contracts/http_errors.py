"""The HTTP door of the error tree: class → status and title of an RFC 9457 problem."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from flawgate_contracts import errors
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.grpc_errors import retry_delay_s


class HttpProblem(NamedTuple):
    """What HTTP says for one class of error."""

    status: int
    title: str


CHALLENGE = 'Bearer realm="flawgate"'
"""How to authenticate (RFC 6750)."""

CLIENT_CLOSED_REQUEST = 499
"""No answer can reach a caller who went away; the number is for logs and metrics."""

HTTP_PROBLEMS: Mapping[type[FlawgateError], HttpProblem] = {
    errors.FlawgateError: HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error"),
    errors.InvalidRequest: HttpProblem(HTTPStatus.BAD_REQUEST, "Invalid request"),
    errors.InvalidParameter: HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid parameter"),
    errors.EmptyFrame: HttpProblem(HTTPStatus.BAD_REQUEST, "No picture in the request"),
    errors.UnsupportedMediaType: HttpProblem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
    errors.UnsupportedFrame: HttpProblem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported kind of picture"),
    errors.InvalidFrame: HttpProblem(HTTPStatus.BAD_REQUEST, "Not a readable picture"),
    errors.FrameTooLarge: HttpProblem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Picture has too many pixels"),
    errors.BodyTooLarge: HttpProblem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request body too large"),
    errors.InvalidExperiment: HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid experiment"),
    errors.InvalidDataset: HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid data set"),
    errors.NotFound: HttpProblem(HTTPStatus.NOT_FOUND, "Not found"),
    errors.UnknownRecipe: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown recipe"),
    errors.UnknownVersion: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown version"),
    errors.UnknownInspection: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown inspection"),
    errors.UnknownPolicy: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown policy"),
    errors.UnknownKey: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown API key"),
    errors.UnknownSink: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown sink"),
    errors.UnknownHold: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown hold"),
    errors.UnknownStream: HttpProblem(HTTPStatus.NOT_FOUND, "Unknown stream"),
    errors.PictureNotKept: HttpProblem(HTTPStatus.NOT_FOUND, "Picture not kept"),
    errors.Unauthenticated: HttpProblem(HTTPStatus.UNAUTHORIZED, "No valid API key"),
    errors.PermissionDenied: HttpProblem(HTTPStatus.FORBIDDEN, "Not allowed with this API key"),
    errors.Conflict: HttpProblem(HTTPStatus.CONFLICT, "Conflict"),
    errors.IdempotencyKeyReused: HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "Idempotency key used for another"),
    errors.BrokenRecipe: HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "Broken recipe"),
    errors.DamagedModel: HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "Damaged model"),
    errors.Unavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Unavailable"),
    errors.RecipeUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Recipe unavailable"),
    errors.ModelServerUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Model server unavailable"),
    errors.RecipeChanged: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Recipe changed meanwhile"),
    errors.DependencyUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Service unavailable"),
    errors.RepositoryBusy: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Model repository busy"),
    errors.DiskFull: HttpProblem(HTTPStatus.INSUFFICIENT_STORAGE, "Disk full"),
    errors.RecordsUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Records unavailable"),
    errors.ArchiveUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Archive unavailable"),
    errors.RequestInProgress: HttpProblem(HTTPStatus.CONFLICT, "Request in progress"),
    errors.RateLimited: HttpProblem(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    errors.Overloaded: HttpProblem(HTTPStatus.TOO_MANY_REQUESTS, "Too much work at once"),
    errors.DeadlineExceeded: HttpProblem(HTTPStatus.GATEWAY_TIMEOUT, "Deadline exceeded"),
    errors.RequestCancelled: HttpProblem(CLIENT_CLOSED_REQUEST, "Request cancelled"),
    errors.ParityRefused: HttpProblem(HTTPStatus.CONFLICT, "Export refused"),
    errors.GoldenFailed: HttpProblem(HTTPStatus.CONFLICT, "Golden frames failed"),
    errors.ModelFailure: HttpProblem(HTTPStatus.BAD_GATEWAY, "Model failure"),
    errors.InternalError: HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error"),
}


def error_headers(error: FlawgateError) -> dict[str, str]:
    """What an answer that says an error says in its headers too: when to come again, how to authenticate."""
    headers = {"retry-after": str(math.ceil(retry_delay_s(error)))} if error.retryable else {}
    return {**headers, "www-authenticate": CHALLENGE} if isinstance(error, errors.Unauthenticated) else headers

"""The HTTP door of the error tree: class → status and title of an RFC 9457 problem."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from flawgate_contracts import errors
from flawgate_contracts.errors import FlawgateError


class HttpProblem(NamedTuple):
    """What HTTP says for one class of error."""

    status: int
    title: str


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
    errors.BrokenRecipe: HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "Broken recipe"),
    errors.DamagedModel: HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "Damaged model"),
    errors.Unavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Unavailable"),
    errors.RecipeUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Recipe unavailable"),
    errors.ModelServerUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Model server unavailable"),
    errors.RecipeChanged: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Recipe changed meanwhile"),
    errors.DependencyUnavailable: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Service unavailable"),
    errors.RepositoryBusy: HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "Model repository busy"),
    errors.DiskFull: HttpProblem(HTTPStatus.INSUFFICIENT_STORAGE, "Disk full"),
    errors.Overloaded: HttpProblem(HTTPStatus.TOO_MANY_REQUESTS, "Too much work at once"),
    errors.DeadlineExceeded: HttpProblem(HTTPStatus.GATEWAY_TIMEOUT, "Deadline exceeded"),
    errors.RequestCancelled: HttpProblem(CLIENT_CLOSED_REQUEST, "Request cancelled"),
    errors.ParityRefused: HttpProblem(HTTPStatus.CONFLICT, "Export refused"),
    errors.GoldenFailed: HttpProblem(HTTPStatus.CONFLICT, "Golden frames failed"),
    errors.ModelFailure: HttpProblem(HTTPStatus.BAD_GATEWAY, "Model failure"),
    errors.InternalError: HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error"),
}

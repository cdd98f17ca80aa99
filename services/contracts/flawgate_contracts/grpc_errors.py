"""The gRPC door of the error tree: class → status code, and back from the wire to the same class.

On the wire an error is a `google.rpc.Status` in the trailers, with `ErrorInfo` (reason, domain, metadata) and, where a
retry may help, `RetryInfo`.
"""

from collections.abc import Mapping
from datetime import timedelta

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from flawgate_contracts import errors
from flawgate_contracts.errors import FlawgateError

DOMAIN = "flawgate"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
RETRY_DELAY_S = 1
"""Where an error does not say when a retry may help."""

Code = grpc.StatusCode

GRPC_CODES: Mapping[type[FlawgateError], grpc.StatusCode] = {
    errors.FlawgateError: Code.INTERNAL,
    errors.InvalidRequest: Code.INVALID_ARGUMENT,
    errors.InvalidParameter: Code.INVALID_ARGUMENT,
    errors.EmptyFrame: Code.INVALID_ARGUMENT,
    errors.UnsupportedMediaType: Code.INVALID_ARGUMENT,
    errors.UnsupportedFrame: Code.INVALID_ARGUMENT,
    errors.InvalidFrame: Code.INVALID_ARGUMENT,
    errors.FrameTooLarge: Code.INVALID_ARGUMENT,
    errors.BodyTooLarge: Code.INVALID_ARGUMENT,
    errors.InvalidExperiment: Code.INVALID_ARGUMENT,
    errors.InvalidDataset: Code.INVALID_ARGUMENT,
    errors.NotFound: Code.NOT_FOUND,
    errors.UnknownRecipe: Code.NOT_FOUND,
    errors.UnknownVersion: Code.NOT_FOUND,
    errors.UnknownInspection: Code.NOT_FOUND,
    errors.UnknownPolicy: Code.NOT_FOUND,
    errors.UnknownKey: Code.NOT_FOUND,
    errors.UnknownSink: Code.NOT_FOUND,
    errors.UnknownHold: Code.NOT_FOUND,
    errors.UnknownStream: Code.NOT_FOUND,
    errors.PictureNotKept: Code.NOT_FOUND,
    errors.Unauthenticated: Code.UNAUTHENTICATED,
    errors.PermissionDenied: Code.PERMISSION_DENIED,
    errors.Conflict: Code.ABORTED,
    errors.IdempotencyKeyReused: Code.FAILED_PRECONDITION,
    errors.BrokenRecipe: Code.INTERNAL,
    errors.DamagedModel: Code.FAILED_PRECONDITION,
    errors.Unavailable: Code.UNAVAILABLE,
    errors.RecipeUnavailable: Code.UNAVAILABLE,
    errors.ModelServerUnavailable: Code.UNAVAILABLE,
    errors.RecipeChanged: Code.ABORTED,
    errors.DependencyUnavailable: Code.UNAVAILABLE,
    errors.RepositoryBusy: Code.UNAVAILABLE,
    errors.DiskFull: Code.UNAVAILABLE,
    errors.RecordsUnavailable: Code.UNAVAILABLE,
    errors.ArchiveUnavailable: Code.UNAVAILABLE,
    errors.RequestInProgress: Code.ABORTED,
    errors.RateLimited: Code.RESOURCE_EXHAUSTED,
    errors.Overloaded: Code.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: Code.DEADLINE_EXCEEDED,
    errors.RequestCancelled: Code.CANCELLED,
    errors.ParityRefused: Code.FAILED_PRECONDITION,
    errors.GoldenFailed: Code.FAILED_PRECONDITION,
    errors.ModelFailure: Code.INTERNAL,
    errors.InternalError: Code.INTERNAL,
}

_BY_REASON = {cls.reason: cls for cls in errors.error_classes()}
_BY_CODE: Mapping[grpc.StatusCode, type[FlawgateError]] = {
    Code.UNAVAILABLE: errors.DependencyUnavailable,
    Code.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    Code.CANCELLED: errors.RequestCancelled,
    Code.RESOURCE_EXHAUSTED: errors.Overloaded,
}


def to_status(error: FlawgateError) -> Status:
    """The error as it goes over the wire."""
    code: tuple[int, str] = GRPC_CODES[type(error)].value
    status = Status(code=code[0], message=error.message)
    status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    if error.retryable:
        delay = Duration()
        delay.FromTimedelta(timedelta(seconds=retry_delay_s(error)))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    return status


def retry_delay_s(error: FlawgateError) -> float:
    """After how many seconds a retry may help: what `metadata["retry_after_s"]` says, or a second."""
    return float(error.metadata.get("retry_after_s", RETRY_DELAY_S))


def from_rpc_error(error: grpc.aio.AioRpcError, *, service: str) -> FlawgateError:
    """The error that the other side raised: the same class, message and metadata.

    An answer without our ErrorInfo (the network's, or grpc's own) becomes the class that its code stands for.

    Args:
        error: what a call of a stub raised.
        service: name of the service that was called, for the sentence and `metadata["service"]`.
    """
    return _from_details(error) or _from_code(error, service)


def _from_details(error: grpc.aio.AioRpcError) -> FlawgateError | None:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            status = Status.FromString(value)
            for detail in status.details:
                info = ErrorInfo()
                if detail.Unpack(info) and info.domain == DOMAIN and info.reason in _BY_REASON:
                    return _BY_REASON[info.reason](status.message, dict(info.metadata))
    return None


def _from_code(error: grpc.aio.AioRpcError, service: str) -> FlawgateError:
    cls = _BY_CODE.get(error.code(), errors.InternalError)
    sentences: Mapping[type[FlawgateError], str] = {
        errors.DependencyUnavailable: f"The {service} service does not answer; try again shortly.",
        errors.DeadlineExceeded: f"The deadline passed while the {service} service was at work; allow more time.",
        errors.RequestCancelled: "The caller went away before the answer.",
        errors.Overloaded: f"The {service} service has as much work as it takes; try again shortly.",
        errors.InternalError: f"The {service} service failed; its log says why.",
    }
    return cls(sentences[cls], {"service": service})

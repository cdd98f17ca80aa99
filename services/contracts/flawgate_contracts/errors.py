"""The one error tree of Flawgate. No protocol word stands here: each door has its own table.

::

    FlawgateError
    ├── InvalidRequest              the caller must change the request
    │   ├── InvalidParameter            a field or query parameter
    │   ├── EmptyFrame                  no byte of a picture came
    │   ├── UnsupportedMediaType        a content type that is no picture's
    │   ├── UnsupportedFrame            a picture in a format or pixel layout that we refuse
    │   ├── InvalidFrame                not a picture, truncated or corrupt
    │   ├── FrameTooLarge               more pixels than the limit
    │   ├── BodyTooLarge                more bytes than the limit
    │   ├── InvalidExperiment           a description of a training run that cannot be carried out
    │   └── InvalidDataset              pictures to train on that are missing, corrupt or do not fit together
    ├── NotFound
    │   ├── UnknownRecipe
    │   ├── UnknownVersion
    │   ├── UnknownInspection
    │   ├── UnknownPolicy
    │   ├── UnknownKey                  an API key
    │   ├── UnknownSink
    │   ├── UnknownHold
    │   ├── UnknownStream
    │   └── PictureNotKept              the record is there, its pictures are not (any more)
    ├── Unauthenticated                 no key, or one that is wrong, expired or revoked
    ├── PermissionDenied                the key's scopes do not allow it
    ├── Conflict                        what is asked for does not fit the state that stands
    ├── IdempotencyKeyReused            the same key came with another request
    ├── BrokenRecipe                    a recipe in the model repository cannot be read or does not fit its models
    ├── DamagedModel                    a file of the model repository is missing, cut short or not the one named
    ├── Unavailable                 a retry may help
    │   ├── RecipeUnavailable           known, but its models are not loaded
    │   ├── ModelServerUnavailable      Triton does not answer
    │   ├── RecipeChanged               another version was promoted while the frame was on its way
    │   ├── DependencyUnavailable       another Flawgate service does not answer
    │   ├── RepositoryBusy              another process is changing the model repository
    │   ├── DiskFull                    no space is left where something must be written
    │   ├── RecordsUnavailable          the database does not answer
    │   ├── ArchiveUnavailable          the archive of pictures does not answer
    │   ├── RequestInProgress           the same request is being worked on
    │   └── Overloaded                  a bound is reached
    │       └── RateLimited                 the key's own
    ├── DeadlineExceeded                the time given is over; a retry may help
    ├── RequestCancelled                the caller went away
    ├── ParityRefused                   an exported model does not answer as the trained one
    ├── GoldenFailed                    a model version does not judge its golden frames as it must
    ├── ModelFailure                    a model answered with an error, or with something that is no score
    └── InternalError                   a bug: logged with its traceback, told to nobody
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar


class FlawgateError(Exception):
    """Anything that Flawgate says no with.

    Attributes:
        reason: UPPER_SNAKE, stable: what a program branches on. Travels as `google.rpc.ErrorInfo.reason`
            and as the last segment of a problem's `type`.
        retryable: whether the same request may succeed later.
        message: one sentence for a person: what is wrong and what to do.
        metadata: further facts, e.g. the limit that was passed. Strings only, safe to show to the caller.
    """

    reason: ClassVar[str] = "INTERNAL_ERROR"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})

    def __str__(self) -> str:
        return self.message


class InvalidRequest(FlawgateError):
    """The request cannot be served as it is; the caller must change it."""

    reason = "INVALID_REQUEST"


class InvalidParameter(InvalidRequest):
    """A field or query parameter is missing, unknown or out of range. `metadata["field"]` names it."""

    reason = "INVALID_PARAMETER"


class EmptyFrame(InvalidRequest):
    """No byte of a picture came."""

    reason = "EMPTY_FRAME"


class UnsupportedMediaType(InvalidRequest):
    """The content type is not one of those that carry a picture."""

    reason = "UNSUPPORTED_MEDIA_TYPE"


class UnsupportedFrame(InvalidRequest):
    """The picture's format or pixel layout (CMYK, animated, transparent, ...) is refused by a stated rule."""

    reason = "UNSUPPORTED_FRAME"


class InvalidFrame(InvalidRequest):
    """The bytes are not a picture, or a truncated or corrupt one."""

    reason = "INVALID_FRAME"


class FrameTooLarge(InvalidRequest):
    """The picture declares more pixels than the limit; it was not decoded."""

    reason = "FRAME_TOO_LARGE"


class BodyTooLarge(InvalidRequest):
    """The request has more bytes than the limit; the rest was not read."""

    reason = "BODY_TOO_LARGE"


class InvalidExperiment(InvalidRequest):
    """The description of a training run is unknown, contradictory or cannot be read. `metadata["field"]` says where."""

    reason = "INVALID_EXPERIMENT"


class InvalidDataset(InvalidRequest):
    """Pictures, masks or folders to train on are missing, corrupt, or do not fit together. The message names them."""

    reason = "INVALID_DATASET"


class NotFound(FlawgateError):
    """The thing that was asked for does not exist here."""

    reason = "NOT_FOUND"


class UnknownRecipe(NotFound):
    """No recipe of that name is in the model repository."""

    reason = "UNKNOWN_RECIPE"


class UnknownVersion(NotFound):
    """The recipe has no such version in the model repository."""

    reason = "UNKNOWN_VERSION"


class UnknownInspection(NotFound):
    """No inspection of that id is on record."""

    reason = "UNKNOWN_INSPECTION"


class UnknownPolicy(NotFound):
    """The recipe has no policy of that version."""

    reason = "UNKNOWN_POLICY"


class UnknownKey(NotFound):
    """There is no API key of that id."""

    reason = "UNKNOWN_KEY"


class UnknownSink(NotFound):
    """Nothing is delivered to a sink of that name."""

    reason = "UNKNOWN_SINK"


class UnknownHold(NotFound):
    """There is no hold of that id."""

    reason = "UNKNOWN_HOLD"


class UnknownStream(NotFound):
    """Nothing is on record of a camera's stream of that id."""

    reason = "UNKNOWN_STREAM"


class PictureNotKept(NotFound):
    """The inspection is on record, but its pictures are not kept, or not any more, by the rules of retention."""

    reason = "PICTURE_NOT_KEPT"


class Unauthenticated(FlawgateError):
    """No API key came, or one that is not known, expired or revoked."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(FlawgateError):
    """The API key's scopes do not allow this. `metadata["scope"]` names the one that is missing."""

    reason = "PERMISSION_DENIED"


class Conflict(FlawgateError):
    """What is asked for does not fit the state that stands; look again, then decide."""

    reason = "CONFLICT"


class IdempotencyKeyReused(FlawgateError):
    """An idempotency key came again with another request; a new request needs a new key."""

    reason = "IDEMPOTENCY_KEY_REUSED"


class BrokenRecipe(FlawgateError):
    """A recipe in the model repository cannot be read, or does not fit its models."""

    reason = "BROKEN_RECIPE"


class DamagedModel(FlawgateError):
    """A file of the model repository is missing, cut short, or its SHA-256 is not the one that the recipe names."""

    reason = "DAMAGED_MODEL"


class Unavailable(FlawgateError):
    """Something that the request needs is not there just now."""

    reason = "UNAVAILABLE"
    retryable = True


class RecipeUnavailable(Unavailable):
    """The recipe is known, but one of its models is missing or failed to load."""

    reason = "RECIPE_UNAVAILABLE"


class ModelServerUnavailable(Unavailable):
    """The model server (Triton) does not answer."""

    reason = "MODEL_SERVER_UNAVAILABLE"


class RecipeChanged(Unavailable):
    """Another version of the recipe was promoted between pre-processing and decision."""

    reason = "RECIPE_CHANGED"


class DependencyUnavailable(Unavailable):
    """Another Flawgate service does not answer. `metadata["service"]` names it."""

    reason = "DEPENDENCY_UNAVAILABLE"


class RepositoryBusy(Unavailable):
    """Another process exports into the model repository, or promotes in it, just now."""

    reason = "REPOSITORY_BUSY"


class DiskFull(Unavailable):
    """No space is left where something must be written; what stood there before is whole."""

    reason = "DISK_FULL"


class RecordsUnavailable(Unavailable):
    """The database of the records does not answer. What could not be recorded is not answered as inspected."""

    reason = "RECORDS_UNAVAILABLE"


class ArchiveUnavailable(Unavailable):
    """The archive of pictures cannot be written or read just now."""

    reason = "ARCHIVE_UNAVAILABLE"


class RequestInProgress(Unavailable):
    """A request with the same idempotency key is being worked on; ask again for its answer."""

    reason = "REQUEST_IN_PROGRESS"


class Overloaded(Unavailable):
    """A bound on concurrent work or memory is reached."""

    reason = "OVERLOADED"


class RateLimited(Overloaded):
    """An API key asks more often than it may. `metadata["retry_after_s"]` says when to come again."""

    reason = "RATE_LIMITED"


class DeadlineExceeded(FlawgateError):
    """The time that the caller gave is over. What was being computed is thrown away."""

    reason = "DEADLINE_EXCEEDED"
    retryable = True


class RequestCancelled(FlawgateError):
    """The caller went away before the answer."""

    reason = "REQUEST_CANCELLED"


class ParityRefused(FlawgateError):
    """An exported model does not answer as the trained one does; it was not published."""

    reason = "PARITY_REFUSED"


class GoldenFailed(FlawgateError):
    """A model version does not judge its golden frames as it must; the version served before stays in force."""

    reason = "GOLDEN_FAILED"


class ModelFailure(FlawgateError):
    """A model answered with an error, or with something that is no score (NaN, a wrong shape)."""

    reason = "MODEL_FAILURE"


class InternalError(FlawgateError):
    """A bug. The traceback is in the log under the same request id; the caller gets a fixed sentence."""

    reason = "INTERNAL_ERROR"


def error_classes() -> Iterator[type[FlawgateError]]:
    """Every class of the tree, the root first."""

    def walk(cls: type[FlawgateError]) -> Iterator[type[FlawgateError]]:
        yield cls
        for sub in cls.__subclasses__():
            yield from walk(sub)

    return walk(FlawgateError)

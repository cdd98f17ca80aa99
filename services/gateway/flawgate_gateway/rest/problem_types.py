"""What each problem's `type` means, with an example of each."""

import inspect
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import BaseModel, Field

from flawgate_contracts import errors
from flawgate_contracts.errors import FlawgateError, error_classes
from flawgate_contracts.http_errors import CLIENT_CLOSED_REQUEST, HTTP_PROBLEMS
from flawgate_contracts.interceptors import INTERNAL_SENTENCE
from flawgate_gateway.rest.problems import FieldFault, Problem

REQUEST_ID = "4f0d8e5d7c9b4f0f8b8c1d2e3f4a5b6c"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"

COMMAND_LINE_ONLY = frozenset(
    {
        errors.InvalidExperiment,
        errors.InvalidDataset,
        errors.DamagedModel,
        errors.RepositoryBusy,
        errors.ParityRefused,
        errors.GoldenFailed,
    }
)
"""Of training, export and promotion: no request to the gateway ends with one."""


class Said(NamedTuple):
    """How an error puts it."""

    detail: str
    instance: str = "/v1/inspections"
    metadata: Mapping[str, str] = {}


ONE = "/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10"
SAID: Mapping[type[FlawgateError], Said] = {
    errors.InvalidRequest: Said("The form is cut off, its closing boundary is missing; send the whole form."),
    errors.InvalidParameter: Said(
        "The field `deadline_ms` must be greater than or equal to 1.",
        metadata={"field": "deadline_ms"},
    ),
    errors.EmptyFrame: Said("The picture has no byte; send it in the form field `file`, or as the body."),
    errors.UnsupportedMediaType: Said(
        "The content type text/plain carries no picture; send one of multipart/form-data, image/png, image/jpeg, "
        "image/bmp, image/x-ms-bmp, image/tiff, application/octet-stream.",
        metadata={"content_type": "text/plain"},
    ),
    errors.UnsupportedFrame: Said(
        "Pictures of layout CMYK are not accepted; send grey or RGB of 8 or 16 bit.", metadata={"layout": "CMYK"}
    ),
    errors.InvalidFrame: Said("The PNG picture is truncated; send the whole file."),
    errors.FrameTooLarge: Said(
        "The frame has 12000 × 9000 pixels, the limit is 50000000 pixels and 16384 per side; send a smaller one."
    ),
    errors.BodyTooLarge: Said(
        "The body is longer than the 34603008 bytes that are taken; send a smaller or more compressed picture.",
        metadata={"max_bytes": "34603008"},
    ),
    errors.InvalidExperiment: Said("`stages.0.epochs` is 0; train for at least one epoch."),
    errors.InvalidDataset: Said("kos01/Part5_label.bmp has another size than kos01/Part5.jpg; label it again."),
    errors.NotFound: Said("There is no problem type 'UNKNOWN'; /problems lists them.", "/problems/UNKNOWN"),
    errors.UnknownRecipe: Said(
        "There is no recipe 'comutator' here; known are: commutator, texture.", metadata={"recipe": "comutator"}
    ),
    errors.UnknownVersion: Said(
        "Recipe commutator has no version 9; `GET /v1/recipes/commutator` names the one in force.",
        metadata={"recipe": "commutator"},
    ),
    errors.UnknownInspection: Said(
        "There is no inspection '01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10' on record; `GET /v1/inspections` finds those "
        "that there are.",
        ONE,
    ),
    errors.UnknownPolicy: Said(
        "Recipe commutator has no policy of version 7; `GET /v1/policies` lists those that there are.",
        "/v1/policies/commutator/7",
    ),
    errors.UnknownKey: Said(
        "There is no API key of the id k3j5m7q9; `GET /v1/keys` lists them.", "/v1/keys/k3j5m7q9:revoke"
    ),
    errors.UnknownSink: Said(
        "There is no sink `mess`; `GET /v1/sinks` lists those that there are.", "/v1/sinks/mess/dead-letters"
    ),
    errors.UnknownHold: Said(
        "There is no hold of that id; `GET /v1/holds` lists them.",
        "/v1/holds/01939c20-11d2-7b0a-8f6e-5a4b3c2d1e0f:release",
    ),
    errors.UnknownStream: Said(
        "Nothing is on record of a stream of that id; `GET /v1/streams` lists those that there are.",
        "/v1/streams/3f6f2b1e-0c6d-4a53-9b7e-2f1d5c8a9e04",
    ),
    errors.PictureNotKept: Said(
        "The pictures of this inspection are not kept any more, by the rules of retention.", f"{ONE}/overlay.png"
    ),
    errors.Unauthenticated: Said("No API key came with the request; send it as `Authorization: Bearer fg_…`."),
    errors.PermissionDenied: Said(
        "The key k3j5m7q9 lacks the scope `review`; use one that has it, or let an administrator make one.",
        f"{ONE}/reviews",
        {"scope": "review", "key": "k3j5m7q9"},
    ),
    errors.Conflict: Said(
        "Policy 3 of recipe commutator is retired; only a draft can be activated. Look again, then decide.",
        "/v1/policies/commutator/3:activate",
    ),
    errors.IdempotencyKeyReused: Said(
        "This idempotency key came before with another picture or other fields; take a new key for a new request."
    ),
    errors.BrokenRecipe: Said(
        "Recipe commutator is broken. Its parameter `recipe` is no JSON.", metadata={"recipe": "commutator"}
    ),
    errors.DamagedModel: Said("The SHA-256 of commutator_seg/3/model.onnx is not the recipe's; export it again."),
    errors.Unavailable: Said("The gateway is stopping; send the request again."),
    errors.RecipeUnavailable: Said(
        "Recipe commutator cannot be used now. Version 3 of model commutator_seg is not loaded.",
        metadata={"recipe": "commutator"},
    ),
    errors.ModelServerUnavailable: Said("The model server does not answer; try again shortly."),
    errors.RecipeChanged: Said(
        "Recipe commutator is at version 4, the tensor was made for version 3; pre-process the frame again.",
        metadata={"recipe": "commutator", "version": "4"},
    ),
    errors.DependencyUnavailable: Said(
        "The service preprocessing does not answer; try again shortly.", metadata={"service": "preprocessing"}
    ),
    errors.RepositoryBusy: Said("Another process changes the model repository; try again when it is done."),
    errors.DiskFull: Said("No space is left for the records; free some, then send the request again."),
    errors.RecordsUnavailable: Said("The records cannot be written or read just now; send the request again shortly."),
    errors.ArchiveUnavailable: Said(
        "The archive of pictures did not answer within 5 s; send the request again shortly."
    ),
    errors.RequestInProgress: Said(
        "A request with this idempotency key is being worked on, for 9 s more at the longest; ask again shortly for "
        "its answer."
    ),
    errors.Overloaded: Said(
        "16 frames wait for recipe commutator, which is all that may; try again shortly.",
        metadata={"recipe": "commutator"},
    ),
    errors.RateLimited: Said(
        "The key k3j5m7q9 may ask 50 times a second, and asked more often; come again after 0.02 s.",
        metadata={"key": "k3j5m7q9", "retry_after_s": "0.02"},
    ),
    errors.DeadlineExceeded: Said(
        "The frame was not evaluated within 10 s; allow more time with `deadline_ms`, or send fewer frames at once."
    ),
    errors.RequestCancelled: Said("The caller went away before the answer."),
    errors.ParityRefused: Said("The exported model answers 0.013 otherwise than the trained one; it is not published."),
    errors.GoldenFailed: Said("Version 4 of recipe commutator judges 2 of 12 golden frames otherwise than it must."),
    errors.ModelFailure: Said(
        "Recipe commutator: the score is not a number; export it again.", metadata={"recipe": "commutator"}
    ),
    errors.InternalError: Said(INTERNAL_SENTENCE),
}
"""An example of each class of the error tree, as it might be said."""


class ProblemType(BaseModel):
    """What one `type` means."""

    type: str
    code: str
    status: int
    title: str
    retryable: bool
    meaning: str
    example: Problem = Field(description="What such an answer looks like.")


def problem_types() -> list[ProblemType]:
    """All types, in the order of the error tree."""
    return [problem_type(cls) for cls in said_classes()]


def said_classes() -> Iterator[type[FlawgateError]]:
    """All classes that are said to somebody: the tree without its root."""
    return (cls for cls in error_classes() if cls is not FlawgateError)


def answered_classes() -> Iterator[type[FlawgateError]]:
    """Those that an answer of the gateway may carry."""
    unheard = {*COMMAND_LINE_ONLY, *(cls for cls in said_classes() if _status(cls) == CLIENT_CLOSED_REQUEST)}
    return (cls for cls in said_classes() if cls not in unheard)


def example_problem(cls: type[FlawgateError]) -> Problem:
    """An answer with an error of that class."""
    said = SAID[cls]
    field = said.metadata.get("field")
    return Problem(
        type=f"/problems/{cls.reason}",
        title=HTTP_PROBLEMS[cls].title,
        status=_status(cls),
        detail=said.detail,
        instance=said.instance,
        code=cls.reason,
        retryable=cls.retryable,
        request_id=REQUEST_ID,
        trace_id=TRACE_ID,
        metadata=dict(said.metadata),
        errors=None if field is None else [FieldFault(detail=said.detail, pointer=f"#/{field}")],
    )


def problem_type(cls: type[FlawgateError]) -> ProblemType:
    """What a class of errors means."""
    return ProblemType(
        type=f"/problems/{cls.reason}",
        code=cls.reason,
        status=_status(cls),
        title=HTTP_PROBLEMS[cls].title,
        retryable=cls.retryable,
        meaning=inspect.getdoc(cls) or "",
        example=example_problem(cls),
    )


def _status(cls: type[FlawgateError]) -> int:
    return HTTP_PROBLEMS[cls].status

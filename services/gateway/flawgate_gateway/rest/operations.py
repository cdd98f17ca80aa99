"""Each operation by its id: what it does beyond its summary, and what it may end with beside what all may."""

from collections.abc import Mapping
from typing import NamedTuple

from flawgate_contracts import errors
from flawgate_contracts.errors import FlawgateError

READING = (errors.UnknownInspection,)
CHANGING = (errors.DiskFull,)
PICTURES = (errors.UnknownInspection, errors.PictureNotKept, errors.ArchiveUnavailable)
RECIPES = (errors.UnknownRecipe, errors.BrokenRecipe, errors.DependencyUnavailable, errors.DeadlineExceeded)
BODIES = (errors.UnsupportedMediaType, errors.DeadlineExceeded)
INSPECTING = (
    *RECIPES,
    *BODIES,
    *CHANGING,
    errors.EmptyFrame,
    errors.UnsupportedFrame,
    errors.InvalidFrame,
    errors.FrameTooLarge,
    errors.IdempotencyKeyReused,
    errors.RequestInProgress,
    errors.RecipeUnavailable,
    errors.RecipeChanged,
    errors.ModelServerUnavailable,
    errors.ModelFailure,
    errors.ArchiveUnavailable,
)
POLICIES = (*RECIPES, *CHANGING, errors.UnknownPolicy, errors.Conflict)


class Operation(NamedTuple):
    """What the document says of an operation."""

    ends_with: tuple[type[FlawgateError], ...] = ()
    description: str | None = None
    """None where the route itself has one."""


_FOUND = "As it was answered: a record is never changed. Only its links differ, once its pictures are no longer kept."
_ETAG = "It is never changed: send its `ETag` in `If-None-Match`, and 304 is the answer."
_HISTORY = "Who did it, and why, stands in the version's history."

OPERATIONS: Mapping[str, Operation] = {
    "inspect": Operation(INSPECTING),
    "inspect_batch": Operation((*BODIES, errors.DiskFull)),
    "list_records": Operation(),
    "export_records": Operation(),
    "get_inspection": Operation(READING, _FOUND),
    "get_frame": Operation(PICTURES, f"The bytes that were inspected, with their own content type. {_ETAG}"),
    "get_mask": Operation(
        (*PICTURES, errors.NotFound),
        f"8-bit grey PNG: how probable a defect is × 255, or the residual of an anomaly. {_ETAG}",
    ),
    "get_overlay": Operation(PICTURES, f"RGB PNG: mask, boxes, classes, score and evaluation on the frame. {_ETAG}"),
    "list_recipes": Operation(
        RECIPES, "As the decision service last proved them; those that cannot be used now say why in `detail`."
    ),
    "get_recipe": Operation(RECIPES, "With its policy, models and provenance, licence included."),
    "list_versions": Operation((), "The newest first. Where none is active, the recipe's own policy is in force."),
    "draft": Operation(POLICIES, f"Try it with `POST /v1/policies:simulate`, then activate it. {_HISTORY}"),
    "simulate": Operation(POLICIES),
    "get_version": Operation((errors.UnknownPolicy,), "With its history, the oldest change first."),
    "activate": Operation(POLICIES),
    "retire": Operation(
        POLICIES, f"An active one is replaced by nothing: the recipe's own policy is then in force. {_HISTORY}"
    ),
    "rollback": Operation(POLICIES, f"The version that was in force before, or the recipe's own policy. {_HISTORY}"),
    "list_reviews": Operation(READING, "The oldest first; the last one counts."),
    "review": Operation(
        (*READING, *CHANGING),
        "Adds what a person says of the part; the inspection itself stays as it was decided. Who errs reviews again.",
    ),
    "queue": Operation(),
    "export_frames": Operation(RECIPES),
    "list_holds": Operation((), "Released ones too, unless `in_force` is true."),
    "place_hold": Operation(
        (*READING, *CHANGING),
        "Of exactly one inspection, part or lot. Its pictures are kept, whatever the rules of retention say, until the "
        "hold is released.",
    ),
    "get_hold": Operation((errors.UnknownHold,), "In force as long as `released_at` is null."),
    "release_hold": Operation(
        (errors.UnknownHold, errors.Conflict, *CHANGING), "It stays on the list, released; 409 where it was before."
    ),
    "list_sinks": Operation((), "With what waits for each, and what was given up."),
    "list_dead_letters": Operation((errors.UnknownSink,), "The newest first. A replay brings them back."),
    "replay": Operation(
        (errors.UnknownSink, *CHANGING),
        "Events that were delivered, or given up, are brought again, in order. The receiver tells them by their ids.",
    ),
    "list_schemas": Operation((), "`dataschema` of an event names one."),
    "get_schema": Operation((errors.NotFound,), "JSON Schema of the `data` of one type of events, in one version."),
    "list_keys": Operation((), "Without their secrets, which are stored nowhere. In the order of their ids."),
    "create_key": Operation(CHANGING, "The answer shows the key this once. Send it as `Authorization: Bearer …`."),
    "revoke_key": Operation(
        (errors.UnknownKey, *CHANGING),
        "For good. Revoking it again changes nothing; gateways refuse it within seconds.",
    ),
    "find_streams": Operation((), "One numbering of one camera's frames each; by when the first went on record."),
    "get_stream": Operation(
        (errors.UnknownStream,),
        "Whether each of its frames is accounted for: frames = inspections + dropped, unless some are `missing`.",
    ),
    "find_gaps": Operation((), "Each names its numbers, their cause, and when they were taken."),
    "watch_station": Operation(),
    "list_problems": Operation((), "Those of the command line too."),
    "get_problem": Operation((errors.NotFound,), "`type` of a problem leads here. All of them: docs/problems.md."),
    "livez": Operation((), "It says nothing of the services behind; see `/readyz`."),
    "readyz": Operation((), "All services behind answer, and the database does. 503, with the same body, where not."),
}

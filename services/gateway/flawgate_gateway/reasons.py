"""The evaluations and reasons that inspections of a recipe can have, so that each is counted from 0 on."""

from flawgate_contracts import errors
from flawgate_contracts.recipe import Recipe
from flawgate_gateway.passage import DEADLINE_UNREACHABLE
from flawgate_imaging.quality import Refusal

Verdict = tuple[str, str]
"""Evaluation and reason."""

BY_SCORE: tuple[Verdict, ...] = (
    ("OK", "SCORE_BELOW_THRESHOLD"),
    ("NOT_OK", "SCORE_ABOVE_THRESHOLD"),
    ("NOT_DECIDABLE", "SCORE_IN_GUARD_BAND"),
)
BY_AREA: tuple[Verdict, ...] = (
    ("OK", "AREAS_WITHIN_LIMITS"),
    ("NOT_OK", "AREA_ABOVE_LIMIT"),
    ("NOT_OK", "AREA_BELOW_LIMIT"),
)
GOLDEN_CHECK_FAILED = "GOLDEN_CHECK_FAILED"
UNTRUSTED: Verdict = ("NOT_DECIDABLE", GOLDEN_CHECK_FAILED)
UNDECIDED: tuple[Verdict, ...] = (("NOT_DECIDABLE", DEADLINE_UNREACHABLE), UNTRUSTED)
REFUSED: tuple[Verdict, ...] = tuple(("NOT_DECIDABLE", refusal.value) for refusal in Refusal)

REASONS = frozenset(reason for _, reason in (*BY_SCORE, *BY_AREA, *UNDECIDED, *REFUSED))
"""All that there are. A camera's side that decides by itself may say others."""


FAILURES = (
    errors.InternalError,
    errors.InvalidRequest,
    errors.InvalidParameter,
    errors.EmptyFrame,
    errors.UnsupportedMediaType,
    errors.UnsupportedFrame,
    errors.InvalidFrame,
    errors.FrameTooLarge,
    errors.BodyTooLarge,
    errors.UnknownRecipe,
    errors.IdempotencyKeyReused,
    errors.BrokenRecipe,
    errors.RecipeUnavailable,
    errors.ModelServerUnavailable,
    errors.RecipeChanged,
    errors.DependencyUnavailable,
    errors.DiskFull,
    errors.RecordsUnavailable,
    errors.ArchiveUnavailable,
    errors.RequestInProgress,
    errors.Overloaded,
    errors.DeadlineExceeded,
    errors.RequestCancelled,
    errors.ModelFailure,
)
"""What an inspection ends with where it has no evaluation."""


def judged(recipe: Recipe) -> tuple[Verdict, ...]:
    """What may be said of a part that the models have seen, whichever policy is in force."""
    return (*BY_SCORE, *BY_AREA) if recipe.kind == "segmentation" else BY_SCORE


def possible(recipe: Recipe) -> tuple[Verdict, ...]:
    """All that may be said of a part."""
    return (*judged(recipe), *UNDECIDED, *(() if recipe.quality is None else REFUSED))

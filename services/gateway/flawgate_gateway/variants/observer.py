"""Whoever counts what becomes of variants."""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from flawgate_contracts import errors
from flawgate_gateway.reasons import GOLDEN_CHECK_FAILED

PAUSED = "PAUSED"
"""The canary was too slow a moment ago, and is asked again after a pause."""
NO_TIME = "NO_TIME"
"""What is left of the deadline is no more than the stable variant may need."""

FALLBACKS = (
    PAUSED,
    NO_TIME,
    GOLDEN_CHECK_FAILED,
    errors.DeadlineExceeded.reason,
    errors.DependencyUnavailable.reason,
    errors.ModelServerUnavailable.reason,
    errors.ModelFailure.reason,
    errors.UnknownRecipe.reason,
    errors.RecipeUnavailable.reason,
    errors.BrokenRecipe.reason,
    errors.RecipeChanged.reason,
    errors.Overloaded.reason,
    errors.InternalError.reason,
)
"""Why the canary did not judge; any other reason is a rare one."""

Result = Literal["agrees", "differs", "failed", "skipped"]
"""What came of a comparison: the same evaluation, another one, none, or it was not made since too many are made."""
RESULTS: tuple[Result, ...] = get_args(Result)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the shadow said of a frame, beside what was answered."""

    result: Result
    evaluation: str | None = None
    """The shadow's; None where it gave none."""
    score_difference: float | None = None
    """Of the two scores, without its sign, 0 to 1; None where either has none."""


class VariantObserver(Protocol):
    """Is told of what is not seen in inspections."""

    def fell_back(self, recipe: str, reason: str) -> None:
        """A frame that was the canary's was judged by the stable variant."""
        ...

    def compared(self, recipe: str, comparison: Comparison) -> None:
        """A frame that was answered was, or was not, compared with the shadow."""
        ...

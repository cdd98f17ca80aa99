"""The canary: a decision service that judges a share of the frames, whose answers stand."""

import asyncio
import time
from dataclasses import dataclass, replace

import structlog

from flawgate_contracts.context import bound, current_context
from flawgate_contracts.errors import DeadlineExceeded, DependencyUnavailable, FlawgateError, InternalError
from flawgate_contracts.recipe import Recipe
from flawgate_gateway.admission.gate import Place
from flawgate_gateway.frames import Frame
from flawgate_gateway.passage import Passage, Refused
from flawgate_gateway.ports import RecipeSource
from flawgate_gateway.reasons import GOLDEN_CHECK_FAILED
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records.submission import Submission
from flawgate_gateway.variants.choosing import drawn, key_of
from flawgate_gateway.variants.judging import Judge
from flawgate_gateway.variants.observer import NO_TIME, PAUSED, VariantObserver
from flawgate_gateway.variants.pause import Pause

PART_OF_DEADLINE = 0.5
"""Most that the canary may take of what is left of a frame's deadline."""
LEFT_FOR_STABLE = 2.0
"""So many times as long as a frame takes is left for the stable variant."""

log = structlog.get_logger(__name__)


class NotJudgedError(Exception):
    """The canary gave no answer that may stand."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CanaryTerms:
    """How much the canary gets."""

    share: float
    """Of the frames whose requests name no variant, 0 to 1."""
    timeout_s: float
    """Longest time for one frame, in seconds."""


class Canary:
    """Judges by its own decision service, recipes and steps, under the policies that are in force for all."""

    def __init__(
        self,
        judge: Judge,
        recipes: RecipeBook,
        in_force: RecipeSource,
        observer: VariantObserver,
        terms: CanaryTerms,
        pause: Pause | None = None,
    ) -> None:
        """A canary.

        Args:
            judge: over its decision service.
            recipes: as that one lists them.
            in_force: the same, each under the policy in force.
            observer: is told when it did not judge.
            terms: how much it gets.
            pause: after it was too slow.
        """
        self._judge = judge
        self._recipes = recipes
        self._in_force = in_force
        self._observer = observer
        self._terms = terms
        self._pause = pause or Pause()

    def takes(self, submission: Submission) -> bool:
        """Whether a frame is the canary's: its request says so, or it falls into the share."""
        if submission.variant is not None:
            return submission.variant == "canary"
        return drawn(key_of(submission), self._terms.share, "canary")

    async def judged(self, frame: Frame, recipe: str, place: Place, deadline: float) -> Passage | Refused:
        """Judge a frame, in time for another judge to take over.

        Args:
            frame: the picture.
            recipe: its name.
            place: of the frame, which knows how long frames take.
            deadline: of the inspection, on the monotonic clock, in seconds.

        Raises:
            NotJudgedError: whatever went wrong.
        """
        now = time.monotonic()
        left_s = deadline - now
        allowed_s = min(self._terms.timeout_s, PART_OF_DEADLINE * left_s, left_s - LEFT_FOR_STABLE * place.service_s)
        if allowed_s <= place.service_s:  # it would only look too slow
            raise NotJudgedError(NO_TIME, "Too little is left of the deadline to ask two, one after the other.")
        if not self._pause.may_ask():
            raise NotJudgedError(PAUSED, "It was too slow a moment ago.")
        with bound(replace(current_context(), deadline=now + allowed_s)):
            passage = await self._within(allowed_s, frame, recipe)
        if isinstance(passage, Passage) and passage.decided.reason == GOLDEN_CHECK_FAILED:
            raise _untrusted()
        return replace(passage, variant="canary")

    def fell_back(self, recipe: str, error: NotJudgedError) -> None:
        """The stable variant has judged a frame that was the canary's."""
        log.info("the canary did not judge; stable did", recipe=recipe, reason=error.reason, detail=error.detail)
        self._observer.fell_back(recipe, error.reason)

    async def _within(self, seconds: float, frame: Frame, recipe: str) -> Passage | Refused:
        """What it answers, whatever that is, as far as it comes in time; tells the pause."""
        try:
            async with asyncio.timeout(seconds):
                passage = await self._judge.judged(frame, await self._ready(recipe))
        except (TimeoutError, DeadlineExceeded) as err:
            if self._pause.begin():
                log.warning("the canary is too slow; it is asked again after pauses", seconds=round(seconds, 3))
            raise NotJudgedError(DeadlineExceeded.reason, f"It did not answer within {seconds:.3g} s.") from err
        except FlawgateError as err:
            if not isinstance(err, DependencyUnavailable):  # nobody there has answered
                self._answered()
            raise NotJudgedError(err.reason, err.message) from err
        except NotJudgedError:
            self._answered()
            raise
        except Exception as err:
            log.exception("the canary failed unexpectedly", recipe=recipe)
            raise NotJudgedError(InternalError.reason, "It failed as nobody expected; the log says how.") from err
        self._answered()
        return passage

    async def _ready(self, recipe: str) -> Recipe:
        if (await self._recipes.find(recipe)).state == "UNTRUSTED":
            raise _untrusted()
        return await self._in_force.ready(recipe)

    def _answered(self) -> None:
        if self._pause.end():
            log.info("the canary answers in time again")


def _untrusted() -> NotJudgedError:
    return NotJudgedError(GOLDEN_CHECK_FAILED, "Its models judge golden frames otherwise than they must.")

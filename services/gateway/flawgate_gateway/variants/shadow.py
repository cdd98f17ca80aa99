"""The shadow: a decision service that judges frames which were answered, to be compared and then forgotten."""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial

import structlog

from flawgate_contracts.context import bound, current_context
from flawgate_contracts.errors import FlawgateError
from flawgate_gateway.answer import Inspection
from flawgate_gateway.frames import Frame
from flawgate_gateway.passage import DEADLINE_UNREACHABLE, Passage, Refused
from flawgate_gateway.ports import RecipeSource, Stage
from flawgate_gateway.reasons import GOLDEN_CHECK_FAILED
from flawgate_gateway.variants.choosing import drawn
from flawgate_gateway.variants.judging import Judge
from flawgate_gateway.variants.observer import Comparison, VariantObserver

AFTER_S = 0.02
"""How long a comparison waits, in seconds, so that the answer is out before."""
NOT_COMPARED = (DEADLINE_UNREACHABLE, GOLDEN_CHECK_FAILED)
"""Reasons of frames that no model in force has judged."""

log = structlog.get_logger(__name__)


class Unmeasured:
    """A `StageObserver` that counts nothing: what the shadow takes is no part of any inspection."""

    def stage(self, stage: Stage, seconds: float) -> None:
        """See `StageObserver`."""


@dataclass(frozen=True, slots=True)
class ShadowTerms:
    """How much the shadow gets."""

    share: float
    """Of the frames that were judged by what is in force, 0 to 1."""
    max_frames: int
    """Compared at once; of more, none is."""
    max_bytes: int
    """Of these frames, as they came."""
    timeout_s: float
    """Longest time for one frame, in seconds."""


class Shadow:
    """Compares, beside the inspections: none waits for it, or fails by it."""

    def __init__(self, judge: Judge, recipes: RecipeSource, observer: VariantObserver, terms: ShadowTerms) -> None:
        """A shadow.

        Args:
            judge: over its decision service.
            recipes: of that one, each under the policy in force.
            observer: is told of each comparison.
            terms: how much it gets.
        """
        self._judge = judge
        self._recipes = recipes
        self._observer = observer
        self._terms = terms
        self._comparing: set[asyncio.Task[None]] = set()
        self._held_bytes = 0
        self._closed = False

    def compare(self, frame: Frame, inspection: Inspection) -> None:
        """Compare what was answered with what the shadow says; later, where there is room for the frame until then."""
        chosen = inspection.variant == "stable" and inspection.reason not in NOT_COMPARED
        if self._closed or not chosen or not drawn(inspection.inspection_id, self._terms.share, "shadow"):
            return
        size = len(frame.data)
        if len(self._comparing) >= self._terms.max_frames or self._held_bytes + size > self._terms.max_bytes:
            self._observer.compared(inspection.recipe, Comparison("skipped"))
            return
        self._held_bytes += size
        task = asyncio.ensure_future(self._compare(frame, inspection))
        self._comparing.add(task)
        task.add_done_callback(partial(self._let_go, size))

    async def close(self) -> None:
        """Compare nothing any more, and end what is compared."""
        self._closed = True
        for task in self._comparing:
            task.cancel()
        await asyncio.gather(*self._comparing, return_exceptions=True)

    def _let_go(self, size: int, task: "asyncio.Task[None]") -> None:
        self._comparing.discard(task)
        self._held_bytes -= size

    async def _compare(self, frame: Frame, inspection: Inspection) -> None:
        await asyncio.sleep(AFTER_S)
        comparison = await self._comparison(frame, inspection)
        self._observer.compared(inspection.recipe, comparison)

    async def _comparison(self, frame: Frame, inspection: Inspection) -> Comparison:
        about = {"inspection_id": inspection.inspection_id, "recipe": inspection.recipe}
        try:
            said = _Said.by(await self._judged(frame, inspection.recipe))
        except FlawgateError as error:
            log.info("the shadow gave no answer", **about, reason=error.reason, detail=error.message)
        except TimeoutError:
            log.info("the shadow gave no answer", **about, reason="DEADLINE_EXCEEDED")
        except Exception:
            log.exception("the shadow failed unexpectedly", **about)
        else:
            if said.reason != GOLDEN_CHECK_FAILED:
                return said.beside(inspection)
            log.info("the shadow gave no answer", **about, reason=said.reason)
        return Comparison("failed")

    async def _judged(self, frame: Frame, recipe: str) -> Passage | Refused:
        """As it comes, under the ids of the request that brought the frame, but outside of its trace and deadline."""
        seconds = self._terms.timeout_s
        with bound(replace(current_context(), trace_flags="00", deadline=time.monotonic() + seconds)):
            async with asyncio.timeout(seconds):
                return await self._judge.judged(frame, await self._recipes.ready(recipe))


@dataclass(frozen=True, slots=True)
class _Said:
    """What the shadow says of a frame."""

    evaluation: str
    reason: str
    score: float | None
    version: str
    """Of its recipe."""

    @classmethod
    def by(cls, passage: Passage | Refused) -> "_Said":
        if isinstance(passage, Refused):
            return cls("NOT_DECIDABLE", passage.reason.value, None, passage.recipe.version)
        decided = passage.decided
        return cls(decided.evaluation, decided.reason, decided.score, decided.recipe_version)

    def beside(self, inspection: Inspection) -> Comparison:
        """The comparison with what was answered; one that differs is in the log."""
        difference = _difference(self.score, inspection.score)
        if self.evaluation == inspection.evaluation:
            return Comparison("agrees", self.evaluation, difference)
        log.info(
            "the shadow differs",
            inspection_id=inspection.inspection_id,
            recipe=inspection.recipe,
            recipe_version=inspection.recipe_version,
            shadow_version=self.version,
            evaluation=inspection.evaluation,
            shadow_evaluation=self.evaluation,
            shadow_reason=self.reason,
            score=inspection.score,
            shadow_score=self.score,
        )
        return Comparison("differs", self.evaluation, difference)


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else abs(one - other)

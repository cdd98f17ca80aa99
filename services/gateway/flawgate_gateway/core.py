"""What the gateway is: the way of a frame through preprocessing and decision. Nothing here knows HTTP or gRPC."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from uuid_utils import uuid7

from flawgate_contracts.context import bound, current_context
from flawgate_contracts.errors import (
    DeadlineExceeded,
    FlawgateError,
    InternalError,
    Overloaded,
    RecipeChanged,
    RequestCancelled,
)
from flawgate_contracts.recipe import Recipe
from flawgate_gateway.answer import FrameFacts, Inspection, Links
from flawgate_gateway.frames import Frame, InspectionOrder
from flawgate_gateway.ports import Decided, Decider, Evidence, Observer, PreparedTensor, Preprocessor
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.store import InspectionStore


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a request came."""

    received_at: datetime
    """UTC."""
    started: float
    """The same moment on the monotonic clock, in seconds."""

    @classmethod
    def now(cls) -> "Arrival":
        """This moment."""
        return cls(datetime.now(UTC), time.monotonic())


@dataclass(frozen=True, slots=True)
class _Passage:
    """A frame that went all the way."""

    recipe: Recipe
    prepared: PreparedTensor
    decided: Decided
    preprocess_seconds: float
    decide_seconds: float

    def stage_seconds(self) -> dict[str, float]:
        """Stage → seconds, rounded to microseconds."""
        seconds = {
            "preprocess": self.preprocess_seconds,
            "decode": self.prepared.decode_seconds,
            "steps": self.prepared.steps_seconds,
            "decide": self.decide_seconds,
            "infer": self.decided.infer_seconds,
            "policy": self.decided.policy_seconds,
        }
        return {stage: round(value, 6) for stage, value in seconds.items()}


class Inspector:
    """Takes frames on, as many at once as it may, and answers each with an inspection or an error."""

    def __init__(
        self,
        preprocessor: Preprocessor,
        decider: Decider,
        recipes: RecipeBook,
        store: InspectionStore,
        observer: Observer,
        *,
        max_in_progress: int,
        deadline_s: float,
    ) -> None:
        self._preprocessor = preprocessor
        self._decider = decider
        self._recipes = recipes
        self._store = store
        self._observer = observer
        self._max_in_progress = max_in_progress
        self._in_progress = 0
        self._deadline_s = deadline_s

    async def inspect(self, frame: Frame, order: InspectionOrder, arrival: Arrival) -> Inspection:
        """Inspect one frame.

        Args:
            frame: the picture.
            order: the recipe, the identity in the plant, the deadline.
            arrival: when the request came; the deadline counts from there.

        Raises:
            FlawgateError: of the class that fits; the frame then has no evaluation, and is never OK.
        """
        async with self._admitted(), self._deadline(order, arrival):
            passage = await self._pass(frame, order.recipe)
            sha256 = await asyncio.to_thread(_sha256, frame.data)
            inspection = _inspection(order, arrival, passage, sha256)
            self._store.put(
                inspection, Evidence(frame, passage.recipe, passage.decided.mask, passage.prepared.geometry)
            )
            self._observer.answered(
                order.recipe, passage.decided, time.monotonic() - arrival.started, inspection.stage_seconds
            )
            return inspection

    @contextmanager
    def counted_failures(self) -> Iterator[None]:
        """Count whatever ends the block by an exception: an inspection without an evaluation."""
        try:
            yield
        except FlawgateError as error:
            self._observer.failed(error.reason)
            raise
        except asyncio.CancelledError:
            self._observer.failed(RequestCancelled.reason)
            raise
        except Exception:
            self._observer.failed(InternalError.reason)
            raise

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[None]:
        with self.counted_failures():
            if self._in_progress >= self._max_in_progress:
                raise Overloaded(
                    f"{self._max_in_progress} inspections are being worked on, which is all that are taken at once; "
                    "try again shortly."
                )
            self._in_progress += 1
            self._observer.started()
            try:
                yield
            finally:
                self._in_progress -= 1
                self._observer.finished()

    @asynccontextmanager
    async def _deadline(self, order: InspectionOrder, arrival: Arrival) -> AsyncIterator[None]:
        """Bind the deadline for the next hops, and end the work when it passes."""
        allowed_s = self._deadline_s if order.deadline_ms is None else order.deadline_ms / 1000
        timed = replace(current_context(), deadline=arrival.started + allowed_s)
        with bound(timed):
            timer = asyncio.timeout(timed.remaining_s())
            try:
                async with timer:
                    yield
            except TimeoutError as err:
                if not timer.expired():
                    raise
                raise DeadlineExceeded(
                    f"The frame was not evaluated within {allowed_s:g} s; allow more time with `deadline_ms`, "
                    "or send fewer frames at once."
                ) from err

    async def _pass(self, frame: Frame, name: str) -> _Passage:
        """Through both services; once more from the start when the recipe was promoted in between."""
        recipe = await self._recipes.ready(name)
        try:
            return await self._pass_once(frame, recipe)
        except RecipeChanged:
            self._recipes.forget()
            return await self._pass_once(frame, await self._recipes.ready(name))

    async def _pass_once(self, frame: Frame, recipe: Recipe) -> _Passage:
        started = time.perf_counter()
        prepared = await self._preprocessor.preprocess(frame, recipe.steps)
        preprocessed = time.perf_counter()
        decided = await self._decider.decide(recipe, prepared)
        return _Passage(recipe, prepared, decided, preprocessed - started, time.perf_counter() - preprocessed)


def _inspection(order: InspectionOrder, arrival: Arrival, passage: _Passage, sha256: str) -> Inspection:
    inspection_id = str(uuid7())
    context, decided = current_context(), passage.decided
    here = f"/v1/inspections/{inspection_id}"
    return Inspection(
        **order.identity().model_dump(),
        inspection_id=inspection_id,
        recipe=order.recipe,
        recipe_version=decided.recipe_version,
        policy_version=decided.policy_version,
        evaluation=decided.evaluation,
        score=decided.score,
        threshold=decided.threshold,
        reason=decided.reason,
        class_name=decided.class_name,
        probabilities=decided.probabilities,
        defects=decided.defects,
        frame=_facts(passage.prepared, sha256),
        models=decided.models,
        request_id=context.request_id,
        trace_id=context.trace_id,
        received_at=arrival.received_at,
        decided_at=datetime.now(UTC),
        stage_seconds=passage.stage_seconds(),
        links=Links(
            self=here,
            mask=None if decided.mask is None else f"{here}/mask.png",
            overlay=f"{here}/overlay.png",
        ),
    )


def _facts(prepared: PreparedTensor, sha256: str) -> FrameFacts:
    geometry = prepared.geometry
    return FrameFacts(width=geometry.frame_width, height=geometry.frame_height, sha256=sha256)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

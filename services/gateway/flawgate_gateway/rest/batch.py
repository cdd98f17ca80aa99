"""`POST /v1/inspections:batch`: several frames in one request, each with an answer of its own."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from flawgate_contracts.errors import EmptyFrame, FlawgateError, InternalError
from flawgate_contracts.interceptors import INTERNAL_SENTENCE
from flawgate_gateway.answer import Inspection
from flawgate_gateway.core import Arrival, Inspector
from flawgate_gateway.records.submission import Submission, checked_key
from flawgate_gateway.rest.access import InspectCaller
from flawgate_gateway.rest.batch_form import BatchItem, read_batch
from flawgate_gateway.rest.batch_openapi import BATCH_OPENAPI
from flawgate_gateway.rest.idempotency import read_key
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.rest.problems import Problem, problem_of
from flawgate_gateway.rest.upload import while_connected
from flawgate_gateway.rest.variant import read_variant

log = structlog.get_logger(__name__)

PATH = "/v1/inspections:batch"


class Inspected(BaseModel):
    """A frame that has an evaluation."""

    inspection: Inspection
    replayed: bool = Field(description="Whether it is the answer that an earlier batch with the same key got.")


class NotInspected(BaseModel):
    """A frame that has none: it must never be taken for good."""

    problem: Problem


class BatchAnswer(BaseModel):
    """One result for each file, in their order."""

    results: list[Inspected | NotInspected]


def batch_routes(inspector: Inspector, *, max_items: int, concurrency: int, upload_timeout_s: float) -> APIRouter:
    """The route.

    Args:
        inspector: the core.
        max_items: most frames of one batch.
        concurrency: frames of one batch that are worked on at once.
        upload_timeout_s: longest time that the body may take to come, in seconds.
    """
    router = APIRouter(tags=["inspections"])

    @router.post(
        PATH,
        response_model=BatchAnswer,
        summary="Inspect several frames",
        responses=PROBLEMS,
        openapi_extra=BATCH_OPENAPI,
    )
    async def inspect_batch(request: Request, caller: InspectCaller) -> Any:
        arrival = Arrival.now()
        with inspector.counted_failures():
            key = read_key(request)
            variant = read_variant(request, caller, has_canary=inspector.has_canary)
            items = await read_batch(request, max_items=max_items, timeout_s=upload_timeout_s)
            keys = [_item_key(key, index) for index in range(len(items))]
            submissions = [Submission(caller, each, variant=variant) for each in keys]
        batch = Batch(inspector, arrival, concurrency)
        return BatchAnswer(results=await while_connected(request, lambda: batch.results(items, submissions)))

    return router


class Batch:
    """The frames of one request on their way."""

    def __init__(self, inspector: Inspector, arrival: Arrival, concurrency: int) -> None:
        self._inspector = inspector
        self._arrival = arrival
        self._turns = asyncio.Semaphore(concurrency)

    async def results(
        self, items: Sequence[BatchItem], submissions: Sequence[Submission]
    ) -> list[Inspected | NotInspected]:
        """The answer to each item, in their order."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._result(index, *pair))
                for index, pair in enumerate(zip(items, submissions, strict=True))
            ]
        return [task.result() for task in tasks]

    async def _result(self, index: int, item: BatchItem, submission: Submission) -> Inspected | NotInspected:
        instance = f"{PATH}#/results/{index}"
        try:
            return await self._inspected(item, submission)
        except FlawgateError as error:
            log.info("frame of a batch refused", index=index, reason=error.reason, detail=error.message)
            return NotInspected(problem=problem_of(error, instance))
        except Exception:
            log.exception("unexpected error", index=index)
            return NotInspected(problem=problem_of(InternalError(INTERNAL_SENTENCE), instance))

    async def _inspected(self, item: BatchItem, submission: Submission) -> Inspected:
        async with self._turns:
            # The deadline of a frame counts from its turn: the last one of a long batch has as much time as the first.
            arrival = Arrival(self._arrival.received_at, time.monotonic())
            with self._inspector.counted_failures():
                _check_not_empty(item)
            answered = await self._inspector.inspect(item.frame, item.order, arrival, submission)
        return Inspected(inspection=answered.inspection, replayed=answered.replayed)


def _check_not_empty(item: BatchItem) -> None:
    if not item.frame.data:
        raise EmptyFrame("The picture has no byte; send it as a file in the form field `file`.")


def _item_key(key: str | None, index: int) -> str | None:
    """Each frame has a key of its own, so that a repeated batch does only what is not done yet."""
    return None if key is None else checked_key(f"{key}#{index}")

"""Reviews over REST: say what a part is, find what waits, take out what can be learned from."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.database.connections import Database
from flawgate_gateway.rest.access import ReviewCaller, requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.rest.queries import InspectionList, listed
from flawgate_gateway.rest.streaming import streamed
from flawgate_gateway.reviews.book import ReviewBook
from flawgate_gateway.reviews.documents import Review, ReviewDraft, ReviewList
from flawgate_gateway.reviews.export import ExportQuery, ReviewExport
from flawgate_gateway.reviews.queue import QueueQuery, read_queue

TAR = "application/x-tar"

_QUEUES = (
    "Inspections without a review that are NOT_DECIDABLE, or whose score lies within `band` of its threshold (unless "
    "areas decided). For the next page send the same query with `page_token`; what is reviewed meanwhile is left out."
)
_EXPORTS = (
    "The frames of reviewed inspections as a tar archive: `good/` and `defective/` by the latest review, as "
    "`flawgate train` reads them; frames of one part in a folder of their own. `manifest.csv` names every reviewed "
    "inspection, also those without a picture here and why; `export.json` says whether there are more than "
    "`max_items`. "
    "The answer is chunked: where it breaks off without its last chunk, an error to every HTTP client, it is not whole."
)
_TAR_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The archive.", "content": {TAR: {"schema": {"type": "string", "format": "binary"}}}}
}

InspectionId = Annotated[str, Path(max_length=64, description="UUID of an inspection.")]


def review_routes(database: Database, reviews: ReviewBook, export: ReviewExport) -> APIRouter:
    """`/v1/inspections/{id}/reviews`, and `/v1/reviews`."""
    router = APIRouter(tags=["reviews"], responses=PROBLEMS)
    router.include_router(_reading(database, reviews, export))

    @router.post("/v1/inspections/{inspection_id}/reviews", status_code=201, summary="Review an inspection")
    async def review(inspection_id: InspectionId, draft: ReviewDraft, caller: ReviewCaller) -> Review:
        return await reviews.add(inspection_id, draft, caller)

    return router


def _reading(database: Database, reviews: ReviewBook, export: ReviewExport) -> APIRouter:
    router = APIRouter(dependencies=[requires(Scope.READ)])

    @router.get("/v1/inspections/{inspection_id}/reviews", summary="The reviews of an inspection")
    async def list_reviews(inspection_id: InspectionId) -> ReviewList:
        return ReviewList(reviews=await reviews.of(inspection_id))

    @router.get(
        "/v1/reviews:queue", response_model=InspectionList, summary="What waits for a review", description=_QUEUES
    )
    async def queue(query: Annotated[QueueQuery, Query()]) -> Response:
        return await listed(await read_queue(database, query))

    @router.get(
        "/v1/reviews:export",
        response_class=StreamingResponse,
        responses=_TAR_RESPONSE,
        summary="Reviewed frames as a data set",
        description=_EXPORTS,
    )
    async def export_frames(query: Annotated[ExportQuery, Query()]) -> Response:
        return await streamed(export.chunks(query), media_type=TAR, name=f"{query.recipe}-reviewed.tar")

    return router

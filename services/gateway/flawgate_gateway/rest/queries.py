"""`GET /v1/inspections` and `GET /v1/inspections:export`: records found again."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.answer import Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.records.csv_rows import CsvExport
from flawgate_gateway.records.filters import InspectionFilter, PageRequest
from flawgate_gateway.records.queries import Page, list_inspections
from flawgate_gateway.rest.access import requires
from flawgate_gateway.rest.openapi import EXAMPLE_INSPECTION, PROBLEMS
from flawgate_gateway.rest.streaming import streamed
from flawgate_gateway.reviews.queue import QueuePage

CSV = "text/csv; charset=utf-8; header=present"
REPEATED = "evaluation"
"""The one parameter that may be said several times."""

_FINDS = (
    "All parameters that are given must be met. Name a part, a lot, a work order, a station, a recipe or a range of "
    "time where there are many records: these are found at once, whatever their number. "
)
_LISTS = _FINDS + (
    "Ordered by `decided_at`, then by id. For the next page send the same query with `page_token` set to this page's "
    "`next_page_token`, until that is null. Records that come meanwhile neither shift nor repeat what a page shows."
)
_EXPORTS = _FINDS + (
    "RFC 4180, UTF-8, with a header line, the oldest first; times are UTC. Text that a spreadsheet would compute has "
    "an apostrophe in front. The answer is chunked: where it breaks off without its last chunk, an error to every HTTP "
    "client, the file is not whole."
)
_CSV_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}
_LIST_EXAMPLE = {"inspections": [EXAMPLE_INSPECTION], "next_page_token": "AQAFRg1sUvTAAZOcHnsafEOdXj8cKpuOEPCd3p2x0bIu"}


class ListQuery(InspectionFilter, PageRequest):
    """The query of a list."""


class InspectionList(BaseModel):
    """One page."""

    inspections: tuple[Inspection, ...]
    next_page_token: str | None = Field(description="Null: this is the last page.")


async def listed(page: Page | QueuePage) -> Response:
    """A page as it is answered; written in a thread, since it may be long."""
    answer = InspectionList(inspections=page.inspections, next_page_token=page.next_page_token)
    return Response(await asyncio.to_thread(answer.model_dump_json), media_type="application/json")


def query_routes(database: Database) -> APIRouter:
    """Lists and exports of the records."""
    export = CsvExport(database)
    router = APIRouter(tags=["inspections"], responses=PROBLEMS, dependencies=[requires(Scope.READ)])

    @router.get(
        "/v1/inspections",
        response_model=InspectionList,
        summary="Find inspections",
        description=_LISTS,
        openapi_extra={"responses": {"200": {"content": {"application/json": {"example": _LIST_EXAMPLE}}}}},
    )
    async def list_records(request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        _check_said_once(request)
        return await listed(await list_inspections(database, query, query))

    @router.get(
        "/v1/inspections:export",
        response_class=StreamingResponse,
        responses=_CSV_RESPONSE,
        summary="The same, as a CSV file",
        description=_EXPORTS,
    )
    async def export_records(request: Request, query: Annotated[InspectionFilter, Query()]) -> Response:
        _check_said_once(request)
        return await streamed(export.chunks(query), media_type=CSV, name="inspections.csv")

    return router


def _check_said_once(request: Request) -> None:
    said: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name != REPEATED and said.setdefault(name, value) != value:
            sentence = f"The parameter `{name[:64]}` is said twice, with different values; say it once."
            raise InvalidParameter(sentence, {"field": name[:64]})

"""`/v1/streams` and `/v1/gaps`: whether each frame of a camera is accounted for."""

from typing import Annotated

from fastapi import APIRouter, Query

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.database.connections import Database
from flawgate_gateway.rest.access import requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.stream.documents import GapPage, GapQuery, StreamFacts, StreamPage, StreamQuery
from flawgate_gateway.stream.reports import list_gaps, list_streams, read_stream


def stream_routes(database: Database) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["streams"], responses=PROBLEMS, dependencies=[requires(Scope.READ)])

    @router.get("/v1/streams", summary="Streams of cameras, the newest first")
    async def find_streams(query: Annotated[StreamQuery, Query()]) -> StreamPage:
        return await list_streams(database, query)

    @router.get("/v1/streams/{stream_id}", summary="One stream, with its counts")
    async def get_stream(stream_id: str) -> StreamFacts:
        return await read_stream(database, stream_id)

    @router.get("/v1/gaps", summary="Frames that nobody inspected, the newest first")
    async def find_gaps(query: Annotated[GapQuery, Query()]) -> GapPage:
        return await list_gaps(database, query)

    return router

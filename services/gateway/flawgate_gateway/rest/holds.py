"""Holds over REST: whose pictures must stay."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.archive.holds import Hold, HoldBook, HoldOrder, HoldPage
from flawgate_gateway.rest.access import AdminCaller, requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.rest.paging import PageSize

PageToken = Annotated[
    str | None, Query(pattern=r"^[0-9a-f-]{36}$", description="`next_page_token` of the page before.")
]
InForce = Annotated[bool, Query(description="Only those that are not released.")]


def hold_routes(book: HoldBook) -> APIRouter:
    """`/v1/holds`."""
    router = APIRouter(prefix="/v1/holds", tags=["holds"], responses=PROBLEMS)

    @router.get("", summary="The holds, the newest first", dependencies=[requires(Scope.READ)])
    async def list_holds(
        *,
        page_size: PageSize = 100,
        page_token: PageToken = None,
        in_force: InForce = False,
    ) -> HoldPage:
        return await book.page(page_size=page_size, page_token=page_token, in_force=in_force)

    @router.post("", status_code=201, summary="Hold the pictures of an inspection, a part or a lot")
    async def place_hold(order: HoldOrder, response: Response, caller: AdminCaller) -> Hold:
        hold = await book.place(order, caller.name)
        response.headers["location"] = f"/v1/holds/{hold.hold_id}"
        return hold

    @router.get("/{hold_id}", summary="One hold", dependencies=[requires(Scope.READ)])
    async def get_hold(hold_id: str) -> Hold:
        return await book.get(hold_id)

    @router.post("/{hold_id}:release", summary="Release a hold; its pictures go when their time is over")
    async def release_hold(hold_id: str, caller: AdminCaller) -> Hold:
        return await book.release(hold_id, caller.name)

    return router

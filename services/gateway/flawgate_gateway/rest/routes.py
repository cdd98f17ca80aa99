"""The routes of the REST door."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from flawgate_contracts.errors import NotFound
from flawgate_gateway import pictures
from flawgate_gateway.answer import Inspection
from flawgate_gateway.core import Arrival, Inspector
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.rest.listing import RecipeFacts, RecipeList, recipe_facts
from flawgate_gateway.rest.openapi import INSPECT_OPENAPI, PICTURE_RESPONSES, PROBLEMS
from flawgate_gateway.rest.problems import ProblemType, problem_types
from flawgate_gateway.rest.upload import read_upload, while_connected
from flawgate_gateway.store import InspectionStore
from flawgate_imaging.decoding import Limits

MAX_DRAWN_AT_ONCE = 2


def inspection_routes(inspector: Inspector, *, upload_timeout_s: float) -> APIRouter:
    """`POST /v1/inspections`."""
    router = APIRouter(tags=["inspections"])

    @router.post(
        "/v1/inspections",
        status_code=201,
        response_model=Inspection,
        summary="Inspect one frame",
        responses=PROBLEMS,
        openapi_extra=INSPECT_OPENAPI,
    )
    async def inspect(request: Request, response: Response) -> Any:
        arrival = Arrival.now()
        with inspector.counted_failures():
            frame, order = await read_upload(request, timeout_s=upload_timeout_s)
        inspection = await while_connected(request, lambda: inspector.inspect(frame, order, arrival))
        response.headers["location"] = inspection.links.self
        return inspection

    return router


def store_routes(store: InspectionStore, limits: Limits) -> APIRouter:
    """What is kept of an inspection. Few pictures are drawn at once: a large one takes a gigabyte for a moment."""
    drawing = asyncio.Semaphore(MAX_DRAWN_AT_ONCE)
    router = APIRouter(prefix="/v1/inspections/{inspection_id}", tags=["inspections"], responses=PROBLEMS)

    @router.get("", response_model=Inspection, summary="An inspection that is still kept")
    async def get_inspection(inspection_id: str) -> Any:
        return store.get(inspection_id)[0]

    @router.get("/mask.png", summary="Its mask, in the frame's size, where it has one", **PICTURE_RESPONSES)
    async def get_mask(inspection_id: str) -> Response:
        _, evidence = store.get(inspection_id)
        async with drawing:
            drawn = await asyncio.to_thread(pictures.mask_png, evidence)
        return Response(drawn, media_type="image/png")

    @router.get("/overlay.png", summary="The frame with all that was found drawn on it", **PICTURE_RESPONSES)
    async def get_overlay(inspection_id: str) -> Response:
        inspection, evidence = store.get(inspection_id)
        async with drawing:
            drawn = await asyncio.to_thread(pictures.overlay_png, inspection, evidence, limits)
        return Response(drawn, media_type="image/png")

    return router


def recipe_routes(recipes: RecipeBook) -> APIRouter:
    """What can be inspected."""
    router = APIRouter(tags=["recipes"], responses=PROBLEMS)

    @router.get("/v1/recipes", summary="The recipes, those that cannot be used now with the reason")
    async def list_recipes() -> RecipeList:
        return RecipeList(recipes=[recipe_facts(listed) for listed in await recipes.listed()])

    @router.get("/v1/recipes/{name}", summary="One recipe")
    async def get_recipe(name: str) -> RecipeFacts:
        return recipe_facts(await recipes.find(name))

    return router


def problem_routes() -> APIRouter:
    """What each problem's `type` means."""
    router = APIRouter(tags=["problems"], responses={status: PROBLEMS[status] for status in (404, 422)})
    types = {problem.code: problem for problem in problem_types()}

    @router.get("/problems", summary="All problem types")
    async def list_problems() -> list[ProblemType]:
        return list(types.values())

    @router.get("/problems/{code}", summary="What one problem type means")
    async def get_problem(code: str) -> ProblemType:
        if code not in types:
            raise NotFound(f"There is no problem type {code!r}; /problems lists them.")
        return types[code]

    return router


def health_routes(check: Any) -> APIRouter:
    """Liveness is this process; readiness is the way of a frame through all services."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", summary="The process answers")
    async def livez() -> dict[str, bool]:
        return {"live": True}

    @router.get("/readyz", summary="A frame can be inspected", responses={503: {"description": "Not now."}})
    async def readyz(request: Request) -> JSONResponse:
        stopping: bool = request.app.state.stopping
        services: dict[str, bool] = await check()
        ready = all(services.values()) and not stopping
        return JSONResponse({"ready": ready, "stopping": stopping, "services": services}, 200 if ready else 503)

    return router

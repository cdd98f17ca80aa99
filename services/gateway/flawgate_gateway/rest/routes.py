"""The routes of the REST door."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from flawgate_contracts.errors import NotFound
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.answer import Inspection
from flawgate_gateway.core import Arrival, Inspector
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.records.submission import Submission
from flawgate_gateway.rest.access import InspectCaller, ReadCaller, requires
from flawgate_gateway.rest.idempotency import REPLAYED_HEADER, read_key
from flawgate_gateway.rest.listing import RecipeFacts, RecipeList, recipe_facts
from flawgate_gateway.rest.openapi import INSPECT_OPENAPI, PROBLEMS
from flawgate_gateway.rest.problem_types import ProblemType, problem_types
from flawgate_gateway.rest.upload import read_upload, while_connected
from flawgate_gateway.rest.variant import read_variant


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
    async def inspect(request: Request, response: Response, caller: InspectCaller) -> Any:
        arrival = Arrival.now()
        with inspector.counted_failures():
            variant = read_variant(request, caller, has_canary=inspector.has_canary)
            submission = Submission(caller, read_key(request), variant=variant)
            frame, order = await read_upload(request, timeout_s=upload_timeout_s)
        answered = await while_connected(request, lambda: inspector.inspect(frame, order, arrival, submission))
        response.headers["location"] = answered.inspection.links.self
        if answered.replayed:
            response.headers[REPLAYED_HEADER] = "true"
        return answered.inspection

    return router


def record_routes(records: RecordBook) -> APIRouter:
    """What is on record."""
    router = APIRouter(tags=["inspections"], responses=PROBLEMS)

    @router.get("/v1/inspections/{inspection_id}", response_model=Inspection, summary="One inspection")
    async def get_inspection(inspection_id: str, caller: ReadCaller) -> Any:
        del caller
        return await records.get(inspection_id)

    return router


def recipe_routes(recipes: RecipeBook) -> APIRouter:
    """What can be inspected."""
    router = APIRouter(tags=["recipes"], responses=PROBLEMS, dependencies=[requires(Scope.READ)])

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

"""Policies over REST: list, draft, activate, retire, roll back, try out."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.recipe import Name, Policy
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.database.connections import Database
from flawgate_gateway.policies.desk import PolicyDesk
from flawgate_gateway.policies.documents import PolicyHistory, PolicyInForce, PolicyVersion, Signature
from flawgate_gateway.policies.shelf import PolicyPage, PolicyQuery, list_policies, read_history
from flawgate_gateway.policies.simulation import Simulator
from flawgate_gateway.policies.whatif import Simulation, SimulationRequest
from flawgate_gateway.rest.access import PolicyCaller, requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.reviews.documents import Comment

SIMULATED_AT_ONCE = 1
"""Each may read 200 000 records."""

_EXAMPLE: dict[str, Any] = {"threshold": 0.92, "guard_band": 0.04}

_SIMULATES = (
    "Judges stored records again by another policy: no model runs. A policy on scores is tried on the latest 200 000 "
    "records that are asked for, one on areas on 50 000. What cannot be judged again is counted in `not_simulated`."
)
_ACTIVATES = (
    "Judges all further inspections: of this gateway at once, of others on the same database within seconds. The "
    "version that was active before is retired. Every inspection names the version that decided it."
)


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Comment = Field(description="Why: stands in the history for ever.")

    def signed(self, caller: Caller) -> Signature:
        """With the name of the caller's key."""
        return Signature(author=caller.name, reason=self.reason)


class NewPolicy(_Order):
    """A policy to be drafted."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"recipe": "commutator", "policy": _EXAMPLE, "reason": "Fewer false alarms."}}
    )

    recipe: Name = Field(description="Name of the recipe.")
    policy: Policy = Field(description="Its `version` is numbered here, whatever it says.")


class Activation(_Order):
    """What goes with an activation."""

    expected_active: str | None = Field(
        default=None,
        max_length=64,
        description="What is believed to be in force, `p2`, or `own`: 409 where it is another. Null: whatever it is.",
    )


class Reason(_Order):
    """What goes with a change."""


RecipeName = Annotated[Name, Path(description="Name of the recipe.")]
Version = Annotated[str, Path(description="`p` and a number, as inspections name it: `p3`.")]


def policy_routes(database: Database, desk: PolicyDesk, simulator: Simulator) -> APIRouter:
    """`/v1/policies`."""
    router = APIRouter(tags=["policies"], responses=PROBLEMS)
    router.include_router(_reading(database, simulator))
    router.include_router(_changing(desk))
    return router


def _reading(database: Database, simulator: Simulator) -> APIRouter:
    router = APIRouter(dependencies=[requires(Scope.READ)])
    turn = asyncio.Semaphore(SIMULATED_AT_ONCE)

    @router.get("/v1/policies", summary="The versions of policies")
    async def list_versions(query: Annotated[PolicyQuery, Query()]) -> PolicyPage:
        return await list_policies(database, query)

    @router.post("/v1/policies:simulate", summary="What a policy would have decided", description=_SIMULATES)
    async def simulate(
        request: Annotated[SimulationRequest, Body(openapi_examples={"a threshold": {"value": _SIMULATION}})],
    ) -> Simulation:
        async with turn:
            return await simulator.simulate(request)

    @router.get("/v1/policies/{recipe}/{version}", summary="One version, and what was done to it")
    async def get_version(recipe: RecipeName, version: Version) -> PolicyHistory:
        return await read_history(database, recipe, version)

    return router


def _changing(desk: PolicyDesk) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/policies", status_code=201, summary="Draft a version, which judges nothing yet")
    async def draft(order: NewPolicy, caller: PolicyCaller, response: Response) -> PolicyVersion:
        drafted = await desk.draft(order.recipe, order.policy, order.signed(caller))
        response.headers["location"] = f"/v1/policies/{drafted.recipe}/{drafted.version}"
        return drafted

    @router.post(
        "/v1/policies/{recipe}/{version}:activate", summary="Let a draft judge from now on", description=_ACTIVATES
    )
    async def activate(recipe: RecipeName, version: Version, order: Activation, caller: PolicyCaller) -> PolicyVersion:
        return await desk.activate(recipe, version, order.signed(caller), expected=order.expected_active)

    @router.post("/v1/policies/{recipe}/{version}:retire", summary="Give a version up")
    async def retire(recipe: RecipeName, version: Version, order: Reason, caller: PolicyCaller) -> PolicyVersion:
        return await desk.retire(recipe, version, order.signed(caller))

    @router.post("/v1/policies/{recipe}:rollback", summary="Put in force what was in force before")
    async def rollback(recipe: RecipeName, order: Reason, caller: PolicyCaller) -> PolicyInForce:
        return await desk.rollback(recipe, order.signed(caller))

    return router


_SIMULATION: dict[str, Any] = {
    "recipe": "commutator",
    "policy": _EXAMPLE,
    "decided_from": "2026-11-01T00:00:00Z",
    "decided_to": "2026-11-20T00:00:00Z",
}

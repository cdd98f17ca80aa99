"""The API keys over REST, for administrators. A key's secret is in one answer only: the one that made it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.facts import KeyFacts, MadeKey
from flawgate_gateway.access.keys import MAX_NAME, MAX_REQUESTS_PER_S, MIN_REQUESTS_PER_S, KeyBook, KeyOrder
from flawgate_gateway.access.tokens import ID_LENGTH
from flawgate_gateway.frames import Moment
from flawgate_gateway.rest.access import requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.rest.paging import PageSize


class NewKey(BaseModel):
    """What a key shall be."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "MES of line 2", "scopes": ["inspect", "read"], "requests_per_s": 50}},
    )

    name: str = Field(
        min_length=1, max_length=MAX_NAME, description="Who holds it: stands in reviews and in policies' history."
    )
    scopes: list[Scope] = Field(min_length=1, description="What for; `admin` includes all others.")
    expires_at: Moment | None = Field(default=None, description="In the future; without it, it does not expire.")
    requests_per_s: float | None = Field(
        default=None,
        ge=MIN_REQUESTS_PER_S,
        le=MAX_REQUESTS_PER_S,
        description="How often it may ask, on average; without it, as often as the gateway's settings say.",
    )


class KeyList(BaseModel):
    """Keys, in the order of their ids."""

    keys: list[KeyFacts]
    next_page_token: str | None = Field(description="Ask with it for the keys that follow; null on the last page.")


PageToken = Annotated[str | None, Query(pattern=rf"^[a-z0-9]{{{ID_LENGTH}}}$", description="From the page before.")]


def key_routes(keys: KeyBook) -> APIRouter:
    """`/v1/keys`."""
    router = APIRouter(prefix="/v1/keys", tags=["keys"], responses=PROBLEMS, dependencies=[requires(Scope.ADMIN)])

    @router.get("", summary="The keys, expired and revoked ones too")
    async def list_keys(page_size: PageSize = 100, page_token: PageToken = None) -> KeyList:
        found = await keys.listed(after=page_token, limit=page_size + 1)
        shown = [KeyFacts.of(key) for key in found[:page_size]]
        return KeyList(keys=shown, next_page_token=shown[-1].id if len(found) > page_size else None)

    @router.post("", status_code=201, summary="Make a key")
    async def create_key(order: NewKey, response: Response) -> MadeKey:
        key, text = await keys.create(
            KeyOrder(order.name, frozenset(order.scopes), order.expires_at, order.requests_per_s)
        )
        # Neither a proxy nor a browser may keep the secret.
        response.headers["cache-control"] = "no-store"
        return MadeKey.with_text(key, text)

    @router.post("/{key_id}:revoke", summary="End a key; it is refused within seconds")
    async def revoke_key(key_id: str) -> KeyFacts:
        return KeyFacts.of(await keys.revoke(key_id))

    return router

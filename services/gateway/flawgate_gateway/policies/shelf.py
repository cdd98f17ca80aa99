"""Looking policies up."""

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from flawgate_contracts.errors import InvalidParameter, UnknownPolicy
from flawgate_contracts.recipe import Name
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us
from flawgate_gateway.database.tables import policies, policy_changes
from flawgate_gateway.policies import rows
from flawgate_gateway.policies.documents import (
    PolicyChange,
    PolicyHistory,
    PolicyVersion,
    State,
    named,
    numbered,
    unknown,
)


class PolicyQuery(BaseModel):
    """Which policies are listed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Name | None = Field(default=None, description="Of this recipe alone.")
    state: State | None = Field(default=None, description="In this state alone.")
    page_size: int = Field(default=100, ge=1, le=1000, description="Versions a page, at most.")
    page_token: str | None = Field(default=None, max_length=128, description="`next_page_token` of the page before.")


class PolicyPage(BaseModel):
    """Some versions, by recipe, of each the newest first."""

    model_config = ConfigDict(frozen=True)

    policies: tuple[PolicyVersion, ...]
    next_page_token: str | None = Field(description="Null: there are no more.")


async def list_policies(database: Database, wanted: PolicyQuery) -> PolicyPage:
    """One page.

    Raises:
        InvalidParameter: the page token is none.
        RecordsUnavailable: the database does not answer.
    """
    query = select(policies).order_by(policies.c.recipe, policies.c.version.desc())
    given = {name: value for name in ("recipe", "state") if (value := getattr(wanted, name)) is not None}
    if wanted.page_token is not None:
        recipe, version = _place(wanted.page_token)
        same = (policies.c.recipe == recipe) & (policies.c.version < version)
        query = query.where((policies.c.recipe > recipe) | same)
    async with database.reading() as connection:
        found = (await connection.execute(query.filter_by(**given).limit(wanted.page_size + 1))).mappings().all()
    shown = [rows.told(row) for row in found[: wanted.page_size]]
    more = f"{shown[-1].recipe}:{shown[-1].version}" if len(found) > len(shown) else None
    return PolicyPage(policies=tuple(shown), next_page_token=more)


async def read_history(database: Database, recipe: str, version: str) -> PolicyHistory:
    """A version, and all that was done to it.

    Raises:
        UnknownPolicy: there is none of that version.
        RecordsUnavailable: the database does not answer.
    """
    number = numbered(recipe, version)
    which = (policy_changes.c.recipe == recipe) & (policy_changes.c.version == number)
    query = select(policy_changes).where(which).order_by(policy_changes.c.changed_at_us, policy_changes.c.id)
    async with database.reading() as connection:
        found = await rows.read(connection, recipe, number)
        if found is None:
            raise unknown(recipe, named(number))
        done = (await connection.execute(query)).mappings().all()
    changes = [PolicyChange(**row, changed_at=from_us(row["changed_at_us"])) for row in done]
    return PolicyHistory(**dict(found), changes=tuple(changes))


def _place(token: str) -> tuple[str, int]:
    recipe, _, version = token.partition(":")
    try:
        return recipe, numbered(recipe, version)
    except UnknownPolicy as err:
        raise InvalidParameter(
            "The page token is none of this list: send `next_page_token` as it came, or start again without a token.",
            {"field": "page_token"},
        ) from err

"""Policies in their tables."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from sqlalchemy import RowMapping, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from flawgate_contracts.errors import BrokenRecipe
from flawgate_contracts.recipe import Policy
from flawgate_gateway.database.moments import from_us, now_us
from flawgate_gateway.database.tables import policies, policy_changes
from flawgate_gateway.policies.documents import Action, PolicyVersion, Signature, State, named
from flawgate_gateway.policies.history import Done

AFTER: Mapping[Action, State] = {
    "drafted": "draft",
    "activated": "active",
    "replaced": "retired",
    "retired": "retired",
    "withdrawn": "retired",
    "restored": "active",
}
"""The state of a version after what was done to it."""


async def alone(connection: AsyncConnection) -> None:
    """Let no other transaction change policies until this one ends; reading goes on.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE policies IN SHARE ROW EXCLUSIVE MODE"))


async def add_draft(connection: AsyncConnection, recipe: str, policy: Policy, by: Signature) -> int:
    """Write a new version; gives its number. Needs `alone`."""
    highest = select(func.max(policies.c.version)).where(policies.c.recipe == recipe)
    version = ((await connection.execute(highest)).scalar_one() or 0) + 1
    document = policy.model_copy(update={"version": named(version)}).model_dump_json()
    row = {"recipe": recipe, "version": version, "state": "draft", "document": document, "created_at_us": now_us()}
    await connection.execute(insert(policies).values(**row, **by.model_dump()))
    return version


async def read(connection: AsyncConnection, recipe: str, version: int) -> PolicyVersion | None:
    """One version; None where there is none of that number."""
    query = select(policies).where(policies.c.recipe == recipe, policies.c.version == version)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else told(row)


async def change(connection: AsyncConnection, recipe: str, done: Sequence[Done], by: Signature) -> None:
    """Change the states of versions, and write what was done, in that order. Needs `alone`."""
    for action, version in done:
        which = (policies.c.recipe == recipe) & (policies.c.version == version)
        await connection.execute(update(policies).where(which).values(state=AFTER[action]))
    latest = select(func.max(policy_changes.c.changed_at_us)).where(policy_changes.c.recipe == recipe)
    # The clocks of two gateways may differ; the order may not.
    first_us = max(now_us(), ((await connection.execute(latest)).scalar_one() or 0) + 1)
    notes = [
        {"id": str(uuid7()), "recipe": recipe, "changed_at_us": first_us + place, **each._asdict(), **by.model_dump()}
        for place, each in enumerate(done)
    ]
    await connection.execute(insert(policy_changes), notes)


async def changes(connection: AsyncConnection, recipe: str) -> list[Done]:
    """All that was done to the policies of a recipe, the oldest first."""
    query = select(policy_changes.c.action, policy_changes.c.version).where(policy_changes.c.recipe == recipe)
    rows = await connection.execute(query.order_by(policy_changes.c.changed_at_us, policy_changes.c.id))
    return [Done(row.action, row.version) for row in rows]


def told(row: RowMapping) -> PolicyVersion:
    """A row of the table `policies` as it is told."""
    return PolicyVersion(
        recipe=row["recipe"],
        version=named(row["version"]),
        state=row["state"],
        policy=read_policy(row["recipe"], row["version"], row["document"]),
        author=row["author"],
        reason=row["reason"],
        created_at=from_us(row["created_at_us"]),
    )


def read_policy(recipe: str, version: int, document: str) -> Policy:
    """The policy of a row.

    Raises:
        BrokenRecipe: this version of Flawgate cannot read it.
    """
    try:
        return Policy.model_validate_json(document)
    except ValidationError as err:
        raise BrokenRecipe(
            f"Policy {named(version)} of recipe {recipe} cannot be read: {err.errors()[0]['msg']}. Roll it back, or "
            "start the version of Flawgate that wrote it.",
            {"recipe": recipe},
        ) from err

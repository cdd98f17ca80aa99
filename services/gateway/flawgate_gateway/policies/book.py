"""The policies in force, as the database last said: what every inspection is judged by."""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select

from flawgate_contracts.errors import BrokenRecipe, InvalidParameter
from flawgate_contracts.recipe import Policy, Recipe
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import policies
from flawgate_gateway.policies.rows import read_policy


class _Active(NamedTuple):
    version: int
    document: str


class PolicyBook:
    """Reads the active policies of all recipes again when what it knows is old.

    Another gateway's activation is seen after `ttl_s` at the latest, one of this gateway at once. Where the database
    does not answer, nothing is judged: the policy that was in force before may not be any more.
    """

    def __init__(self, database: Database, *, ttl_s: float) -> None:
        self._database = database
        self._ttl_s = ttl_s
        self._active: Mapping[str, _Active] = {}
        self._parsed: dict[tuple[str, int], Policy] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._forgotten = 0

    async def applied(self, recipe: Recipe) -> Recipe:
        """The recipe under the policy in force: the active version, or else its own.

        Raises:
            BrokenRecipe: the active version does not fit the recipe as it is served now.
            RecordsUnavailable: the database does not say which version is active.
        """
        active = (await self._fresh()).get(recipe.name)
        if active is None:
            return recipe
        try:
            return recipe.under(self._policy(recipe.name, active))
        except InvalidParameter as err:
            raise BrokenRecipe(
                f"{err.message} Nothing is inspected by it: activate another version, or roll this one back.",
                {"recipe": recipe.name},
            ) from err

    def forget(self) -> None:
        """Read again the next time, even where a reading is on its way."""
        self._read_at = float("-inf")
        self._forgotten += 1

    def _policy(self, recipe: str, active: _Active) -> Policy:
        """Parsed once: a version never changes."""
        key = recipe, active.version
        if key not in self._parsed:
            self._parsed[key] = read_policy(recipe, active.version, active.document)
        return self._parsed[key]

    async def _fresh(self) -> Mapping[str, _Active]:
        oldest = time.monotonic() - self._ttl_s
        while self._read_at < oldest:
            async with self._reading:
                if self._read_at < oldest:
                    await self._read()
        return self._active

    async def _read(self) -> None:
        asked_at, forgotten = time.monotonic(), self._forgotten
        query = select(policies.c.recipe, policies.c.version, policies.c.document).where(policies.c.state == "active")
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        # What was asked before somebody said `forget` may be of before the change.
        if forgotten == self._forgotten:
            self._active = {row.recipe: _Active(row.version, row.document) for row in rows}
            self._read_at = asked_at

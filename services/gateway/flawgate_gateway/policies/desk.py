"""Where policies are drafted, activated, retired and rolled back: one change at a time, each with author and reason."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from flawgate_contracts.errors import Conflict
from flawgate_contracts.recipe import Policy
from flawgate_gateway.database.connections import Database
from flawgate_gateway.outbox.drafts import policy_activated
from flawgate_gateway.outbox.writing import append
from flawgate_gateway.policies import rows
from flawgate_gateway.policies.book import PolicyBook
from flawgate_gateway.policies.documents import PolicyInForce, PolicyVersion, Signature, named, numbered, unknown
from flawgate_gateway.policies.history import Done, in_force
from flawgate_gateway.recipes import RecipeBook


class PolicyDesk:
    """Changes policies; what is in force changes for this gateway at once, for others within the book's `ttl_s`.

    All methods raise `RecordsUnavailable` where the database does not answer, and change nothing then.
    """

    def __init__(self, database: Database, recipes: RecipeBook, book: PolicyBook, *, sinks: Sequence[str]) -> None:
        """A desk over a database.

        Args:
            database: with all tables.
            recipes: as they are served: a policy must fit.
            book: told to read again after a change.
            sinks: names of those to whom events are delivered.
        """
        self._database = database
        self._recipes = recipes
        self._book = book
        self._sinks = sinks

    async def draft(self, recipe: str, policy: Policy, by: Signature) -> PolicyVersion:
        """Write a new version, which judges nothing yet.

        Args:
            recipe: its name.
            policy: its `version` is replaced by the next number.
            by: author and reason.

        Raises:
            InvalidParameter: the policy does not fit the recipe as it is served now.
            UnknownRecipe: there is none of that name.
            BrokenRecipe: it cannot be read.
            DependencyUnavailable: decision does not say.
        """
        (await self._recipes.served(recipe)).under(policy)
        async with self._database.writing() as connection:
            await rows.alone(connection)
            version = await rows.add_draft(connection, recipe, policy, by)
            await rows.change(connection, recipe, [Done("drafted", version)], by)
            return await _known(connection, recipe, version)

    async def activate(self, recipe: str, version: str, by: Signature, *, expected: str | None = None) -> PolicyVersion:
        """Let a draft judge from now on, and retire the version that was active.

        Args:
            recipe: its name.
            version: of a draft, e.g. `p3`.
            by: author and reason.
            expected: what the caller believes to be in force, `p2` or `own`; None: whatever it is.

        Raises:
            UnknownPolicy: there is none of that version.
            Conflict: it is no draft, or another version is in force than was expected.
            FlawgateError: as `draft` raises.
        """
        number, served = numbered(recipe, version), await self._recipes.served(recipe)
        async with self._database.writing() as connection:
            await rows.alone(connection)
            wanted = await _known(connection, recipe, number)
            active = in_force(await rows.changes(connection, recipe))[-1]
            _check_draft(wanted)
            _check_expected(recipe, named(active), expected)
            served.under(wanted.policy)
            replaced = [] if active is None else [Done("replaced", active)]
            await rows.change(connection, recipe, [*replaced, Done("activated", number)], by)
            await self._tell(connection, recipe, number, by)
        self._book.forget()
        return wanted.model_copy(update={"state": "active"})

    async def retire(self, recipe: str, version: str, by: Signature) -> PolicyVersion:
        """Give a version up. Where it was active, the recipe's own policy judges from now on.

        Raises:
            UnknownPolicy: there is none of that version.
            Conflict: it is retired already.
        """
        number = numbered(recipe, version)
        async with self._database.writing() as connection:
            await rows.alone(connection)
            wanted = await _known(connection, recipe, number)
            if wanted.state == "retired":
                raise _conflict(recipe, f"Policy {version} of recipe {recipe} is retired already.")
            await rows.change(connection, recipe, [Done("retired", number)], by)
            if wanted.state == "active":
                await self._tell(connection, recipe, None, by)
        self._book.forget()
        return wanted.model_copy(update={"state": "retired"})

    async def rollback(self, recipe: str, by: Signature) -> PolicyInForce:
        """Put in force again what was in force before; at last that is the recipe's own policy.

        Raises:
            Conflict: nothing was in force before.
            FlawgateError: as `draft` raises.
        """
        served = await self._recipes.served(recipe)
        async with self._database.writing() as connection:
            await rows.alone(connection)
            stack = in_force(await rows.changes(connection, recipe))
            if len(stack) == 1:
                raise _conflict(recipe, f"Recipe {recipe} is judged by its own policy, before which there was none.")
            *_, before, now = stack
            policy = served.policy if before is None else (await _known(connection, recipe, before)).policy
            served.under(policy)
            withdrawn = [] if now is None else [Done("withdrawn", now)]
            await rows.change(connection, recipe, [*withdrawn, Done("restored", before)], by)
            await self._tell(connection, recipe, before, by)
        self._book.forget()
        return PolicyInForce(recipe=recipe, version=named(before), policy=policy)

    async def _tell(self, connection: AsyncConnection, recipe: str, version: int | None, by: Signature) -> None:
        event = policy_activated(recipe, named(version), by.author, by.reason, datetime.now(UTC))
        await connection.run_sync(append, event, self._sinks)


async def _known(connection: AsyncConnection, recipe: str, version: int) -> PolicyVersion:
    found = await rows.read(connection, recipe, version)
    if found is None:
        raise unknown(recipe, named(version))
    return found


def _check_draft(wanted: PolicyVersion) -> None:
    if wanted.state == "active":
        raise _conflict(wanted.recipe, f"Policy {wanted.version} of recipe {wanted.recipe} is active already.")
    if wanted.state == "retired":
        raise _conflict(
            wanted.recipe,
            f"Policy {wanted.version} of recipe {wanted.recipe} is retired; roll back to it, or draft another like it.",
        )


def _check_expected(recipe: str, active: str, expected: str | None) -> None:
    if expected not in {None, active}:
        raise _conflict(
            recipe,
            f"In force for recipe {recipe} is {active}, not {expected}: look at what changed, then decide again.",
        )


def _conflict(recipe: str, sentence: str) -> Conflict:
    return Conflict(sentence, {"recipe": recipe})

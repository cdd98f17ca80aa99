"""A desk for policies over a database and a recipe that is served."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flawgate_contracts.recipe import Policy, Recipe
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.policies.book import PolicyBook
from flawgate_gateway.policies.desk import PolicyDesk
from flawgate_gateway.policies.documents import Signature
from flawgate_gateway.policies.simulation import Simulator
from flawgate_gateway.recipes import RecipeBook
from support.gateway_fakes import FakeDecider

BY = Signature(author="quality", reason="Fewer false alarms.")


@dataclass
class PolicyBench:
    """One gateway's parts that have to do with policies; several may stand over one database."""

    database: Database
    recipe: Recipe | None = None
    sinks: Sequence[str] = ()
    ttl_s: float = 60.0
    decider: FakeDecider = field(init=False)

    def __post_init__(self) -> None:
        self.decider = FakeDecider(self.recipe)
        self.recipes = RecipeBook(self.decider, ttl_s=0)
        self.book = PolicyBook(self.database, ttl_s=self.ttl_s)
        self.desk = PolicyDesk(self.database, self.recipes, self.book, sinks=self.sinks)
        self.simulator = Simulator(self.database, self.recipes)

    async def drafted(self, **policy: object) -> str:
        """The version of a new draft."""
        name = self.decider.listed[0].name
        return (await self.desk.draft(name, Policy.model_validate(policy), BY)).version

    async def judging(self) -> Policy:
        """What an inspection is judged by now."""
        name = self.decider.listed[0].name
        return (await self.book.applied(await self.recipes.ready(name))).policy


async def another(database_url: str) -> Database:
    """The database as another gateway holds it."""
    database = connect(database_url)
    await upgrade(database)
    return database

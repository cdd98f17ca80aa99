"""What if: stored records, judged again by another policy. No model runs, no frame is looked at."""

from sqlalchemy import func, select

from flawgate_contracts.recipe import Policy, Recipe
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import policies
from flawgate_gateway.policies import by_area, by_score, rows
from flawgate_gateway.policies.documents import OWN, named, numbered, unknown
from flawgate_gateway.policies.tally import Tally
from flawgate_gateway.policies.whatif import Simulation, SimulationRequest
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records.queries import found


class Simulator:
    """Tries policies on records."""

    def __init__(
        self,
        database: Database,
        recipes: RecipeBook,
        *,
        max_scores: int = by_score.MAX_RECORDS,
        max_areas: int = by_area.MAX_RECORDS,
    ) -> None:
        """Over a database.

        Args:
            database: where the records are.
            recipes: as they are served: a policy must fit.
            max_scores: most records that a policy on scores is tried on.
            max_areas: most that a policy on areas is tried on.
        """
        self._database = database
        self._recipes = recipes
        self._max_scores = max_scores
        self._max_areas = max_areas

    async def simulate(self, request: SimulationRequest) -> Simulation:
        """Try a policy.

        Raises:
            InvalidParameter: the policy does not fit the recipe as it is served now.
            UnknownPolicy: there is none of the version.
            UnknownRecipe: there is none of that name.
            BrokenRecipe: it cannot be read.
            RecordsUnavailable: the database does not answer.
        """
        served = await self._recipes.served(request.recipe)
        policy = served.under(await self._policy(served, request)).policy
        limit = self._max_areas if policy.areas else self._max_scores
        tally = Tally(max_examples=request.examples)
        truncated = await self._is_more(request, limit)
        await self._count(request, served, policy, tally, limit)
        return Simulation(
            recipe=served.name,
            policy=policy,
            records=tally.records,
            truncated=truncated,
            not_simulated=tally.not_simulated(),
            outcomes=tally.outcomes(),
            rejected_share=tally.share("NOT_OK"),
            undecided_share=tally.share("NOT_DECIDABLE"),
            reviewed=tally.reviewed,
            missed=tally.made(tally.missed),
            false_alarms=tally.made(tally.false_alarms),
        )

    async def _count(
        self, request: SimulationRequest, served: Recipe, policy: Policy, tally: Tally, limit: int
    ) -> None:
        records = found(request.records(), "newest", None, steered=self._database.is_sqlite).limit(limit)
        known = await self._known(served) if policy.areas else {}
        async with self._database.reading() as connection:
            if policy.areas:
                await by_area.tally_areas(connection, records, policy, known, tally)
                return
            await by_score.tally_scores(connection, records, policy, tally)
            if tally.reviewed and tally.max_examples:
                await by_score.name_examples(connection, records, policy, tally)

    async def _is_more(self, request: SimulationRequest, limit: int) -> bool:
        records = found(request.records(), "newest", None, steered=self._database.is_sqlite)
        one = records.offset(limit).limit(1).subquery()
        async with self._database.reading() as connection:
            return bool((await connection.execute(select(func.count()).select_from(one))).scalar_one())

    async def _policy(self, served: Recipe, request: SimulationRequest) -> Policy:
        if request.policy is not None:
            return request.policy.model_copy(update={"version": "proposed"})
        version = request.proposed_version or OWN
        if version == OWN:
            return served.policy
        async with self._database.reading() as connection:
            stored = await rows.read(connection, served.name, numbered(served.name, version))
        if stored is None:
            raise unknown(served.name, version)
        return stored.policy

    async def _known(self, served: Recipe) -> by_area.Known:
        """The recipe's own policy and all versions: what found the defects of its records."""
        query = select(policies).where(policies.c.recipe == served.name)
        async with self._database.reading() as connection:
            stored = (await connection.execute(query)).mappings().all()
        known: dict[tuple[str | None, str | None], Policy] = {(served.version, served.policy.version): served.policy}
        return known | {(None, named(row["version"])): rows.told(row).policy for row in stored}

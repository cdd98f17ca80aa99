"""The recipes as frames are inspected by them: each under the policy in force."""

from flawgate_contracts.recipe import Recipe
from flawgate_gateway.policies.book import PolicyBook
from flawgate_gateway.recipes import RecipeBook


class RecipesInForce:
    """A `RecipeSource`: what decision lists, under what the database says is in force."""

    def __init__(self, recipes: RecipeBook, policies: PolicyBook) -> None:
        self._recipes = recipes
        self._policies = policies

    async def ready(self, name: str) -> Recipe:
        """The recipe of that name, ready for use. Raises as `RecipeBook.ready` and `PolicyBook.applied` do."""
        return await self._policies.applied(await self._recipes.ready(name))

    def forget(self) -> None:
        """Look again the next time: at the recipes, since one has changed."""
        self._recipes.forget()

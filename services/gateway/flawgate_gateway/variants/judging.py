"""The way of a frame through preprocessing and one decision service."""

from flawgate_contracts.errors import RecipeChanged
from flawgate_contracts.recipe import Recipe
from flawgate_gateway.frames import Frame
from flawgate_gateway.passage import Passage, Refused, refusal_of
from flawgate_gateway.ports import Decider, Preprocessor, RecipeSource, StageObserver
from flawgate_gateway.stages import timed

TRIES = 6
"""Of a frame: of several decisions one knows of a promotion before the other, and each call may meet either."""


class Judge:
    """Judges frames by one decision service and that one's own recipes."""

    def __init__(
        self, preprocessor: Preprocessor, decider: Decider, recipes: RecipeSource, observer: StageObserver
    ) -> None:
        self._preprocessor = preprocessor
        self._decider = decider
        self._recipes = recipes
        self._observer = observer

    async def judged(self, frame: Frame, recipe: Recipe) -> Passage | Refused:
        """Through both services; again from the start when the recipe was promoted in between.

        Raises:
            FlawgateError: of the class that fits.
        """
        for _ in range(TRIES - 1):
            try:
                return await self._once(frame, recipe)
            except RecipeChanged:
                self._recipes.forget()
                recipe = await self._recipes.ready(recipe.name)
        return await self._once(frame, recipe)

    async def _once(self, frame: Frame, recipe: Recipe) -> Passage | Refused:
        limited = recipe.quality is not None
        with timed(self._observer, "preprocess") as preprocess:
            prepared = await self._preprocessor.preprocess(frame, recipe.steps, measure_quality=limited)
        reason = refusal_of(frame, recipe, prepared)
        if reason is not None:
            return Refused(recipe, prepared, reason, preprocess.seconds)
        with timed(self._observer, "decide") as decide:
            decided = await self._decider.decide(recipe, prepared)
        return Passage(recipe, prepared, decided, preprocess.seconds, decide.seconds)

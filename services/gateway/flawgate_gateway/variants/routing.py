"""Which variant judges a frame: the canary where the frame is its own and it can, else the one in force."""

from flawgate_contracts.recipe import Recipe
from flawgate_gateway.admission.gate import Place
from flawgate_gateway.frames import Frame
from flawgate_gateway.passage import Passage, Refused
from flawgate_gateway.records.submission import Submission
from flawgate_gateway.variants.canary import Canary, NotJudgedError
from flawgate_gateway.variants.judging import Judge


class Router:
    """Brings each frame to the judge that it is for."""

    def __init__(self, stable: Judge, canary: Canary | None) -> None:
        self._stable = stable
        self._canary = canary

    async def judged(
        self, frame: Frame, recipe: Recipe, submission: Submission, place: Place, deadline: float
    ) -> Passage | Refused:
        """Judge a frame.

        Args:
            frame: the picture.
            recipe: of the stable variant, which can judge it, too.
            submission: who asks, and which variant for.
            place: of the frame; what the canary takes says nothing of what the next frame will take.
            deadline: of the inspection, on the monotonic clock, in seconds.

        Raises:
            FlawgateError: of the stable variant; none of the canary's ends an inspection.
        """
        canary = self._canary
        if canary is None or not canary.takes(submission):
            return await self._stable.judged(frame, recipe)
        place.tells_nothing()
        try:
            return await canary.judged(frame, recipe.name, place, deadline)
        except NotJudgedError as error:
            place.begins_anew()
            passage = await self._stable.judged(frame, recipe)
            canary.fell_back(recipe.name, error)
            return passage

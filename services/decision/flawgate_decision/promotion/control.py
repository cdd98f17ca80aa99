"""What a promotion needs of a model server, and a recipe's models run in turn without their ensemble."""

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from flawgate_contracts.errors import RecipeUnavailable
from flawgate_contracts.recipe import Recipe
from flawgate_inference.model_server import ModelServer, ServedModel, Tensors


class ControlledServer(ModelServer, Protocol):
    """A model server that can be told to look at the repository's files anew."""

    async def load(self, model: str) -> None:
        """Load a model, or ensemble, as its files say now; returns when it can be used.

        Raises:
            ModelFailure: a version that its configuration names cannot be loaded; what was loaded before stays.
            ModelServerUnavailable: the server does not answer.
            InvalidParameter: the server was started so that it takes no such orders.
            DeadlineExceeded: it takes too long.
        """
        ...


class ModelsInTurn:
    """A recipe's models, run one after the other: what its ensemble will be, as a `ModelServer` of that one recipe."""

    def __init__(self, server: ModelServer, recipe: Recipe) -> None:
        self._server = server
        self._recipe = recipe

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        return await self._server.models()

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`. The time holds for each of the models.

        Args:
            model: name of the recipe.
            version: of the recipe.
            inputs: of its first model.
            outputs: of any of its models.
            timeout_s: longest wait for each, in seconds.
        """
        if (model, version) != (self._recipe.name, self._recipe.version):
            raise RecipeUnavailable(f"Version {version} of model {model} is not loaded.")
        tensors: dict[str, NDArray[Any]] = dict(inputs)
        for call, reference in zip(self._recipe.calls, self._recipe.models, strict=True):
            given = {name: tensors[name] for name in call.inputs}
            answers = await self._server.infer(
                reference.name, reference.version, given, call.outputs, timeout_s=timeout_s
            )
            tensors.update(answers)
        return {name: tensors[name] for name in outputs}

    async def close(self) -> None:
        """The server beneath is its owner's to close."""

"""What a decision needs of a model server, whichever it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]
"""Arrays by the names of the model's inputs or outputs; the first axis is the batch."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model, or ensemble, of the repository."""

    name: str
    version: str
    """Of the newest version that is loaded; empty when none is."""
    ready: bool
    detail: str = ""
    """Why it is not ready, in the model server's words."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The `parameters` of its config.pbtxt; empty when it is not ready."""


class ModelServer(Protocol):
    """Serves a model repository."""

    async def models(self) -> Sequence[ServedModel]:
        """All models of the repository, sorted by name.

        Raises:
            ModelServerUnavailable: the server does not answer.
        """
        ...

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """Run one model, or ensemble.

        Args:
            model: its name.
            version: its version.
            inputs: by name, batch first.
            outputs: names of the outputs wanted.
            timeout_s: longest wait, in seconds.

        Raises:
            ModelServerUnavailable: the server does not answer, or went away meanwhile.
            RecipeUnavailable: the model is not loaded.
            DeadlineExceeded: the time is over.
            ModelFailure: the model answered with an error.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...

"""Which weights are kept: those of the best epoch, where validation frames say which that is."""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from flawgate_training.learning import storage
from flawgate_training.learning.stage import LearningStage

_log = logging.getLogger(__name__)

Validate = Callable[[nn.Module], float]
"""The network, in evaluation mode → its score on the validation frames, higher is better. Picklable."""


class Selection(Callback):
    """Scores the network after every epoch or every so many, keeps the best weights, and stops when none gets better.

    Attributes:
        score: of the last epoch; None where it was not scored.

    Args:
        validate: what scores; None: the last epoch's weights are kept.
        patience: stop after so many epochs without a better score; None: never.
        every: epochs from one score to the next; the last epoch has one in any case.
        best: file of the best weights.
    """

    def __init__(self, validate: Validate | None, patience: int | None, every: int, best: Path) -> None:
        self.score: float | None = None
        self._validate = validate
        self._patience = patience
        self._every = every
        self._best = best
        self._highest = -math.inf
        self._epochs_since = 0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"highest": self._highest, "epochs_since": self._epochs_since}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._highest, self._epochs_since = state_dict["highest"], state_dict["epochs_since"]

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """A run that was interrupted when it had just decided to stop does not go on."""
        del pl_module
        trainer.should_stop = trainer.should_stop or self._exhausted

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Score, keep, stop."""
        if self._validate is None or not isinstance(pl_module, LearningStage):
            return
        number = trainer.current_epoch + 1
        if number % self._every and number != trainer.max_epochs:
            self.score = None
            return
        self.score = _scored(self._validate, trainer, pl_module)
        if self.score > self._highest:
            self._highest, self._epochs_since = self.score, 0
            if trainer.is_global_zero:
                self._best.parent.mkdir(parents=True, exist_ok=True)
                storage.save(pl_module.kept(), self._best)
        else:
            self._epochs_since += self._every
        if self._exhausted:
            _log.info("no better score in %d epochs: this is the end", self._epochs_since)
            trainer.should_stop = True

    def best(self, otherwise: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights to keep: those of the best epoch, or others where no epoch was scored."""
        return storage.restore(self._best) if self._best.exists() else otherwise

    @property
    def _exhausted(self) -> bool:
        return self._patience is not None and self._epochs_since >= self._patience


def _scored(validate: Validate, trainer: lightning.Trainer, stage: LearningStage) -> float:
    """By the first process, with the weights that would be kept; all processes get the same number."""
    score = 0.0
    if trainer.is_global_zero:
        with stage.showing_kept():
            score = float(validate(stage.network))
    agreed: float = trainer.strategy.broadcast(score)
    return agreed

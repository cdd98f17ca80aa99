"""Runs a stage with Lightning: deterministic, resumable, one line per epoch."""

import logging
import time
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from flawgate_training.stages.base import Stage

_log = logging.getLogger(__name__)


class EpochLine(Callback):
    """Logs epoch, mean loss and seconds after every epoch, and adds the seconds up across interruptions.

    Args:
        title: of the stage.
    """

    def __init__(self, title: str) -> None:
        self.seconds = 0.0
        self._title = title
        self._started = 0.0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.seconds = state_dict["seconds"]

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take the time."""
        del trainer, pl_module
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Log the line."""
        del pl_module
        seconds = time.monotonic() - self._started
        self.seconds += seconds
        loss = float(trainer.callback_metrics["loss"])
        _log.info(
            "%s %d/%s: loss %.5f, %.0f s", self._title, trainer.current_epoch + 1, trainer.max_epochs, loss, seconds
        )


def fit(stage: Stage, *, title: str, checkpoints: Path) -> float:
    """Train a stage to its end, from the last finished epoch if the folder holds one.

    Args:
        stage: its weights are changed in place.
        title: names the stage in the log.
        checkpoints: folder of `last.ckpt`, written after every epoch.

    Returns:
        Seconds that all epochs took, those before an interruption included.
    """
    line = EpochLine(title)
    last = checkpoints / "last.ckpt"
    with warnings.catch_warnings():
        # The frames are in memory already: a loader in this process is the fastest one.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # To resume is what the checkpoints are for.
        warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty.*")
        # Lightning's own use of torch, not ours.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        trainer = _trainer(stage, line, checkpoints)
        # Deterministic torch would overwrite every new tensor first: a pass over memory that changes no result.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # missing in its stub
        trainer.fit(stage, ckpt_path=str(last) if last.exists() else None)
    return line.seconds


def _trainer(stage: Stage, line: EpochLine, checkpoints: Path) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="cpu",
        max_epochs=stage.config.epochs,
        deterministic=True,
        reload_dataloaders_every_n_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            line,
            ModelCheckpoint(checkpoints, filename="last", enable_version_counter=False, save_on_train_epoch_end=True),
        ],
    )

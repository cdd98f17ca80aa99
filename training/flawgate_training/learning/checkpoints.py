"""When a checkpoint is written: every so many steps, and at the end of every epoch."""

from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Checkpoint


class Checkpoints(Checkpoint):
    """Keeps the newest checkpoint. Lightning calls it after all other callbacks.

    Args:
        file: of the checkpoint.
        steps: from one to the next.
    """

    def __init__(self, file: Path, steps: int) -> None:
        self._file = file
        self._steps = steps

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Within an epoch; its last step is left to its end, or a resumed run would skip the latter."""
        del pl_module, outputs, batch, batch_idx
        if trainer.global_step % self._steps == 0 and not trainer.is_last_batch:
            trainer.save_checkpoint(self._file)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """At the end of an epoch."""
        del pl_module
        trainer.save_checkpoint(self._file)

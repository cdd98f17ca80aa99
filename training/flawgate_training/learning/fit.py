"""Runs a stage with Lightning: it can be killed at any moment, and goes on at the step of its last checkpoint."""

import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import nn

from flawgate_training.learning import curves, storage
from flawgate_training.learning.checkpoints import Checkpoints
from flawgate_training.learning.loggers import Destinations
from flawgate_training.learning.machine import Settled
from flawgate_training.learning.memory import keep_buffers
from flawgate_training.learning.recorder import Recorder
from flawgate_training.learning.selection import Selection, Validate
from flawgate_training.learning.stage import LearningStage

_EXPECTED_WARNINGS = (
    ".*does not have many workers.*",  # the experiment says how many
    "You're resuming from a checkpoint that ended before the epoch ended.*",  # our loader begins at the right batch
    "Found .* module.* in eval mode at the start of training.*",  # what is frozen
    ".*LeafSpec.*",  # Lightning's own use of torch
    "Checkpoint directory .* exists and is not empty.*",
    "Detected call of `lr_scheduler.step.*",  # the gradient scaler leaves steps out whose gradients overflow
)


@dataclass(frozen=True)
class Terms:
    """How a stage is run.

    Attributes:
        title: of the stage.
        destinations: folder of the run, and where figures go.
        settled: the machine.
        checkpoint_steps: from one checkpoint to the next.
        validate: scores the network after every epoch; None: the last epoch's weights are kept.
        progress: whether a bar is drawn; None: where standard error is a terminal.
        watchers: further callbacks, before all others.
    """

    title: str
    destinations: Destinations
    settled: Settled
    checkpoint_steps: int
    validate: Validate | None = None
    progress: bool | None = None
    watchers: tuple[Callback, ...] = ()

    @property
    def folder(self) -> Path:
        """Of the stage's checkpoints."""
        return self.destinations.folder / "checkpoints" / self.title


def fit(part: nn.Module, prepare: Callable[[], LearningStage], terms: Terms) -> float:
    """Teach a part of a network, from the last checkpoint if there is one; what is finished is only loaded.

    Args:
        part: what the stage teaches; changed in place.
        prepare: makes the stage; not called where it is finished.
        terms: see `Terms`.

    Returns:
        Seconds that it took, those before an interruption included.

    Raises:
        DiskFull: no space is left in the run's folder; what was kept there before is whole.
        InvalidExperiment: the loss is no number any more.
        InvalidParameter: the checkpoint cannot be read.
        SystemExit: with 143, a failure to whoever started it: SIGTERM came; the run goes on where it was left.
    """
    finished = terms.folder / "finished.pt"
    if not finished.exists():
        with storage.telling_of_full_disks(terms.destinations.folder):
            terms.folder.mkdir(parents=True, exist_ok=True)
            storage.save(_taught(prepare, terms), finished)
    facts = storage.restore(finished)
    part.load_state_dict(facts["weights"])
    return float(facts["seconds"])


def _taught(prepare: Callable[[], LearningStage], terms: Terms) -> dict[str, object]:
    if not terms.settled.gpu:
        keep_buffers()
    began = time.perf_counter()
    stage = prepare()
    prepared = time.perf_counter() - began
    config = stage.lesson.config
    selection = Selection(terms.validate, config.patience, config.validate_every, terms.folder / "best.pt")
    recorder = Recorder(terms.destinations.folder, terms.title, selection)
    last = terms.folder / "last.ckpt"
    checkpoints = Checkpoints(last, terms.checkpoint_steps)
    with _expected_warnings():
        trainer = _trainer(stage, terms, [*terms.watchers, selection, recorder, checkpoints])
        # Deterministic torch would overwrite every new tensor first: a pass over memory that changes no result.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # missing in its stub
        try:
            trainer.fit(stage, ckpt_path=str(last) if last.exists() else None)
        except SIGTERMException as asked:  # a SystemExit with 0, which says that all is learnt
            raise SystemExit(128 + signal.SIGTERM) from asked
    stage.network.cpu()
    seconds = prepared + sum(epoch.seconds for epoch in curves.read(terms.destinations.folder)[terms.title])
    return {"weights": selection.best(otherwise=stage.kept()), "seconds": seconds}


def _trainer(stage: LearningStage, terms: Terms, callbacks: list[Callback]) -> lightning.Trainer:
    progress = sys.stderr.isatty() if terms.progress is None else terms.progress
    return lightning.Trainer(
        **terms.settled.trainer_arguments(),
        max_epochs=stage.lesson.config.epochs,
        gradient_clip_val=stage.lesson.config.gradient_clip,
        callbacks=[*callbacks, *([RichProgressBar(leave=True)] if progress else [])],
        logger=terms.destinations.loggers(terms.title),
        log_every_n_steps=min(10, len(stage.lesson.order)),
        plugins=[storage.WholeCheckpoints()],
        use_distributed_sampler=False,  # our order gives each process its share
        enable_progress_bar=progress,
        enable_model_summary=False,
        enable_checkpointing=True,
    )


@contextmanager
def _expected_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in _EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        yield

"""A run's folder: what was configured, what was learned, how long it took.

::

    RUN/config.json        a `RunConfig`
    RUN/checkpoints/       last finished epoch of each stage, to resume from
    RUN/weights.pt         the trained network's weights, once both stages are over
    RUN/training.json      seconds, threads and versions
    RUN/predictions.json   scores of the held-out frames, once it was judged
"""

import json
import logging
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import lightning
import torch
from pydantic import ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.config import RunConfig
from flawgate_training.datasets.augmentation import Augmentation
from flawgate_training.datasets.samples import Sample
from flawgate_training.stages.classification import ClassificationStage, feature_bank
from flawgate_training.stages.fit import fit
from flawgate_training.stages.segmentation import SegmentationStage

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        config: what defined it.
        network: with the trained weights, in evaluation mode.
        seconds: that training took, those before an interruption included.
        versions: of the tools that trained it.
    """

    config: RunConfig
    network: TwoStageNetwork
    seconds: float
    versions: dict[str, str]


def train(config: RunConfig, samples: Sequence[Sample], folder: Path) -> Run:
    """Train both stages, or go on where an interrupted run of the same configuration stopped.

    Args:
        config: what to do.
        samples: to learn from; nothing of the held-out fold.
        folder: of the run.

    Raises:
        InvalidParameter: the folder holds a run of another configuration.
    """
    _claim(folder, config)
    lightning.seed_everything(config.seed, verbose=False)
    network = TwoStageNetwork()
    checkpoints = folder / "checkpoints"
    segmentation = SegmentationStage(
        network.segmentation,
        config.segmentation,
        samples,
        seed=config.seed,
        augmentation=Augmentation(crop=config.crop),
    )
    seconds = fit(segmentation, title="segmentation", checkpoints=checkpoints / "segmentation")
    _log.info("features of %d epochs ...", config.bank_epochs)
    started = time.monotonic()
    bank = feature_bank(
        network.segmentation, samples, epochs=config.bank_epochs, seed=config.seed, frames=config.bank_frames
    )
    seconds += time.monotonic() - started
    classification = ClassificationStage(network.classification, config.classification, bank)
    seconds += fit(classification, title="classification", checkpoints=checkpoints / "classification")
    _finish(folder, network, seconds)
    return load(folder)


def load(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        InvalidParameter: the folder holds none, or one that was interrupted.
    """
    config = _read_config(folder)
    if not (folder / "weights.pt").exists():
        raise InvalidParameter(f"The run in {folder} is not finished; repeat its training command to resume it.")
    network = TwoStageNetwork()
    network.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    facts = json.loads((folder / "training.json").read_text())
    return Run(config, network.eval(), facts["seconds"], facts["versions"])


def _claim(folder: Path, config: RunConfig) -> None:
    if (folder / "config.json").exists() and _read_config(folder) != config:
        raise InvalidParameter(f"{folder} holds a run with other settings; choose another --out or remove that folder.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.model_dump_json(indent=2) + "\n")


def _read_config(folder: Path) -> RunConfig:
    path = folder / "config.json"
    try:
        return RunConfig.model_validate_json(path.read_bytes())
    except FileNotFoundError as err:
        raise InvalidParameter(f"There is no run in {folder}; give a folder that `flawgate train` wrote.") from err
    except ValidationError as err:
        raise InvalidParameter(f"{path} cannot be read; train the run again with this version of Flawgate.") from err


def _finish(folder: Path, network: TwoStageNetwork, seconds: float) -> None:
    torch.save(network.state_dict(), folder / "weights.pt")
    versions = {name: version(name) for name in ("torch", "lightning", "numpy")} | {"python": platform.python_version()}
    facts = {"seconds": round(seconds, 1), "threads": torch.get_num_threads(), "versions": versions}
    (folder / "training.json").write_text(json.dumps(facts, indent=2) + "\n")

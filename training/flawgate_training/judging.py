"""Judging finished runs on their held-out frames, one run or all folds of a cross-validation."""

import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_training import runs
from flawgate_training.config import KolektorData, RunConfig
from flawgate_training.datasets.samples import Sample
from flawgate_training.datasets.splits import kolektor_split
from flawgate_training.evaluation import Prediction, Report, predict

_log = logging.getLogger(__name__)

_PREDICTIONS = TypeAdapter(list[Prediction])

REPORT = "evaluation.json"
"""File name of a `Report`, in a run's folder or beside the runs of a cross-validation."""

_HELD_OUT = {
    "kolektor_sdd": "{folds}-fold cross-validation of {epochs} epochs each, split by commutator (seed {split_seed}), "
    "the repeated commutators kos26 = kos01 and kos34 = kos27 kept together. Training runs to "
    "its end and the threshold is 0.9: neither is chosen by fold.",
    "texture": "Synthetic frames of seeds that training does not use. Training runs to its end and "
    "the threshold is 0.9: neither is chosen on them.",
}


def protocol(config: RunConfig) -> str:
    """How runs of this kind are judged, in words."""
    return _HELD_OUT[config.data.kind].format(**config.data.model_dump(), epochs=config.segmentation.epochs)


def judge(folder: Path, test: Sequence[Sample]) -> list[Prediction]:
    """Score a run's held-out samples and keep the scores in its folder.

    Args:
        folder: of a finished run.
        test: its held-out samples.

    Raises:
        InvalidParameter: the run is not finished.
    """
    predictions = predict(runs.load(folder).network, test)
    (folder / "predictions.json").write_bytes(_PREDICTIONS.dump_json(predictions, indent=2) + b"\n")
    return predictions


def cross_validate(configs: Sequence[RunConfig], samples: Sequence[Sample], folder: Path) -> Report:
    """Train and judge every fold, each in `fold0`, `fold1`, ... of the folder; what is finished there is not repeated.

    Args:
        configs: of the folds, over KolektorSDD.
        samples: all of them.
        folder: of the cross-validation; the report is written there.

    Raises:
        InvalidParameter: a fold's folder holds a run of another configuration.
    """
    folds = [_fold(config, samples, folder / f"fold{number}") for number, config in enumerate(configs)]
    report = Report.cross_validated(protocol(configs[0]), folds)
    save_report(report, folder)
    return report


def _fold(config: RunConfig, samples: Sequence[Sample], folder: Path) -> list[Prediction]:
    if not isinstance(config.data, KolektorData):
        raise InvalidParameter("Only KolektorSDD is cross-validated; the other data sets have a test set of their own.")
    if (folder / "predictions.json").exists():
        _log.info("%s: judged already", folder.name)
        return _PREDICTIONS.validate_json((folder / "predictions.json").read_bytes())
    split = kolektor_split(config.data, samples)
    if not (folder / "weights.pt").exists():
        runs.train(config, split.train, folder)
    return judge(folder, split.test)


def save_report(report: Report, folder: Path) -> None:
    """Write `evaluation.json`."""
    (folder / REPORT).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_report(path: Path) -> Report:
    """Read an `evaluation.json`.

    Raises:
        InvalidParameter: there is none, or it is no report.
    """
    try:
        return Report.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as err:
        raise InvalidParameter(f"{path} is no evaluation that `flawgate evaluate` wrote; run that first.") from err

"""From the folders of a study's runs to its result."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flawgate_training.evaluation.figures import Evaluation, Report
from flawgate_training.experiment.schema import Experiment
from flawgate_training.studies import figures, provenance
from flawgate_training.studies.loading import experiment_of
from flawgate_training.studies.results import Failure, RunResult, StudyResult
from flawgate_training.studies.running import finished, folders_of
from flawgate_training.studies.schema import Study, Variant
from flawgate_training.studies.wrong import Place, wrong_frames

Pair = tuple[str, int]
"""Name of a variant, and a seed."""


def run_folder(out: Path, variant: str, seed: int) -> Path:
    """Where a run of a study lies."""
    return out / variant / f"seed{seed}"


def gather(
    study: Study, out: Path, earlier: StudyResult | None, *, data: Path | None, failures: Mapping[Pair, str]
) -> StudyResult:
    """The result of a study as its runs stand.

    Args:
        study: the question.
        out: folder of its runs.
        earlier: what was gathered before. A run of it stays as it is while its evaluation is the same, or while it is
            of the same settings and no such run is here.
        data: folder of the data set; where the runs found it, where None.
        failures: sentences of the runs that came to nothing just now.

    Raises:
        DiskFull: no space is left for a picture of a wrong frame.
    """
    results, failed = [], []
    for variant in study.variants:
        for seed in study.seeds:
            found = _one(variant, seed, out, earlier, data)
            if found is not None:
                results.append(found)
            elif (variant.name, seed) in failures:
                failed.append(Failure(variant=variant.name, seed=seed, sentence=failures[variant.name, seed]))
    return StudyResult(study=study, runs=tuple(results), failures=tuple(failed))


def _one(variant: Variant, seed: int, out: Path, earlier: StudyResult | None, data: Path | None) -> RunResult | None:
    experiment = experiment_of(variant, seed)
    folder = run_folder(out, variant.name, seed)
    before = earlier.run(variant.name, seed) if earlier else None
    report = finished(experiment, folder)
    if report is None:
        return before if before and before.settings == _settings(experiment) else None
    if before and before.digest == report.digest:
        return before
    place = Place(out / "wrong", f"{variant.name}_seed{seed}", data)
    return _gathered(variant, seed, experiment, report, folder, place)


def _gathered(
    variant: Variant, seed: int, experiment: Experiment, report: Report, folder: Path, place: Place
) -> RunResult:
    folders = folders_of(experiment, folder)
    facts = [_facts(each) for each in folders]
    return RunResult(
        variant=variant.name,
        seed=seed,
        digest=report.digest,
        settings=_settings(experiment),
        task=experiment.task,
        architecture=experiment.network.architecture,
        dilation=getattr(experiment.data, "dilation", None),
        frames=_frames(report),
        protocol=report.protocol,
        threshold=report.pooled.threshold if report.pooled else None,
        figures=figures.values(report),
        intervals=figures.intervals(report),
        folds=tuple(_counts(fold) for fold in report.folds),
        wrong=wrong_frames(report, folders, place, experiment.task),
        seconds=round(sum(float(each["seconds"]) for each in facts), 1),
        device=str(facts[0]["device"]),
        threads=int(facts[0]["threads"]),
        made=provenance.made_now(),
    )


def _settings(experiment: Experiment) -> str:
    """All but the machine, which changes no result but by rounding, and what came later and is not asked for."""
    idle = {
        title: {"augmentation": {"transplants", "faintest"}}
        for title, stage in experiment.stages.items()
        if not stage.augmentation.transplants
    }
    asked = experiment.model_dump_json(exclude={"machine": True, "stages": idle})
    return hashlib.sha256(asked.encode()).hexdigest()


def _frames(report: Report) -> int:
    if report.pooled:
        return report.pooled.frames
    return report.images.frames if report.images else 0


def _counts(fold: Evaluation) -> figures.Values:
    return {
        "false_positives": float(fold.false_positives),
        "false_negatives": float(fold.false_negatives),
        "errors": float(fold.false_positives + fold.false_negatives),
    }


def _facts(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "training.json").read_bytes())
    return read

"""The report of a run: one HTML file with everything inside, which a browser opens without any network."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.datasets.about import About
from flawgate_training.datasets.samples import Samples
from flawgate_training.evaluation.figures import ClassFigures, Report
from flawgate_training.evaluation.judging import REPORT, Trained, read_report
from flawgate_training.evaluation.predictions import Judged, digest, joint_digest
from flawgate_training.evaluation.reporting import threshold_of
from flawgate_training.experiment.loading import as_yaml
from flawgate_training.experiment.schema import Experiment
from flawgate_training.learning.curves import read as read_curves
from flawgate_training.learning.storage import write_whole
from flawgate_training.report import charts, curves
from flawgate_training.report.cases import Section, sections
from flawgate_training.report.histogram import histogram
from flawgate_training.report.pictures import PALETTE
from flawgate_training.report.rankings import rankings
from flawgate_training.report.verdict import keys, verdict
from flawgate_training.report.views import View, Viewer

PAGE = "report.html"
"""File name of the page, in a run's folder or beside the runs of a cross-validation."""


@dataclass(frozen=True)
class Subject:
    """A judged run that the page is about.

    Attributes:
        folder: of the run.
        run: as loaded from it; pictures need its network.
        test: the frames that it was judged upon; None for a page without pictures.
    """

    folder: Path
    run: Trained
    test: Samples | None


def write(folder: Path, subjects: Sequence[Subject], about: About) -> Path:
    """Write `report.html`, whole or not at all.

    Args:
        folder: holds `evaluation.json`: of the one run, or of the cross-validation.
        subjects: the run, or every fold.
        about: the data set.

    Returns:
        The page's path.

    Raises:
        InvalidParameter: a run is not judged, or was trained or judged again since.
        InvalidDataset: a picture cannot be read any more.
        DiskFull: no space is left for the page.
    """
    report = read_report(folder / REPORT)
    judged = [Judged.load(subject.folder) for subject in subjects]
    _check_current(report, subjects, judged)
    page = _environment().get_template("page.html.j2").render(_content(report, subjects, judged, about))
    path = folder / PAGE
    write_whole(path, page.encode())
    return path


def _check_current(report: Report, subjects: Sequence[Subject], judged: Sequence[Judged]) -> None:
    """Pictures of one network beside figures of another would be worse than no page."""
    for subject, fold in zip(subjects, judged, strict=True):
        if digest(subject.run.experiment, subject.run.network) != fold.digest:
            raise InvalidParameter(
                f"The run in {subject.folder} has changed since it was judged; run `flawgate evaluate` on it again."
            )
    if report.digest != joint_digest(judged):
        raise InvalidParameter(
            f"{REPORT} is not of these predictions; judge the run, or every fold of the cross-validation, again."
        )


def _content(report: Report, subjects: Sequence[Subject], judged: Sequence[Judged], about: About) -> dict[str, Any]:
    experiment = judged[0].experiment
    test = [prediction for fold in judged for prediction in fold.test]
    chosen = "chosen on validation frames" if experiment.judging.threshold == "validation" else "set beforehand"
    return {
        "experiment": experiment,
        "settings": as_yaml(experiment),
        "about": about,
        "report": report,
        "chosen": chosen,
        "verdict": verdict(report),
        "keys": keys(report),
        "facts": list(_facts(experiment, subjects)),
        "folds": list(zip(sorted(fold.fold for fold in judged), report.folds, strict=False)),
        "histogram": histogram(test, report.pooled.threshold) if report.pooled else None,
        "rankings": rankings(report, test, chosen=chosen),
        "curves": curves.charts({subject.folder.name: read_curves(subject.folder) for subject in subjects}),
        "pictures": _pictures(report, subjects, judged),
        "confused": _confused(report.images) if report.images else None,
        "palette": PALETTE if report.segmentation and len(report.segmentation.classes) > 2 else (),
        "charts": charts,
        "made": datetime.now(UTC),
    }


def _confused(figures: ClassFigures) -> dict[str, Any]:
    """The confusion matrix without classes that neither occur nor are answered."""
    matrix = np.array(figures.confusion)
    used = [place for place in range(len(matrix)) if matrix[place].any() or matrix[:, place].any()]
    return {
        "names": [figures.classes[place].name for place in used],
        "counts": matrix[np.ix_(used, used)].tolist(),
    }


def _pictures(
    report: Report, subjects: Sequence[Subject], judged: Sequence[Judged]
) -> list[tuple[Section, list[View]]]:
    """Views of the chosen frames; of none where the frames are not at hand."""
    limits = [threshold_of(fold) for fold in judged] if report.pooled else [None] * len(judged)
    viewers: dict[str, Viewer] = {}
    for subject, fold, limit in zip(subjects, judged, limits, strict=True):
        if subject.test is not None:
            viewer = Viewer(subject.run, subject.test, limit)
            viewers |= {prediction.name: viewer for prediction in fold.test}
    test = [(prediction, limit) for fold, limit in zip(judged, limits, strict=True) for prediction in fold.test]
    known = [(prediction, limit) for prediction, limit in test if prediction.name in viewers]
    bounds = [limit for _, limit in known if limit is not None] if report.pooled else None
    chosen = sections([prediction for prediction, _ in known], bounds, judged[0].classes) if known else []
    return [(section, [viewers[each.name].view(each) for each in section.predictions]) for section in chosen]


def _facts(experiment: Experiment, subjects: Sequence[Subject]) -> Iterator[tuple[str, str]]:
    """What a reader needs to do it again."""
    weights = sum(values.numel() for values in subjects[0].run.network.parameters())
    taken = experiment.input
    yield "Network", f"{experiment.network.architecture}, {weights:,} weights"
    if experiment.paper:
        yield "After", f"paper {experiment.paper}"
    yield "Input", f"{taken.channels} × {taken.height} × {taken.width} (channels × rows × columns, pixels)"
    yield "Seed", str(experiment.seed)
    told = [_training(subject.folder) for subject in subjects]
    seconds = sum(float(each.get("seconds", 0)) for each in told)
    if seconds:
        yield "Training", f"{seconds / 60:.1f} minutes"
    versions = told[0].get("versions", {})
    yield "Versions", ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) or "not recorded"


def _training(folder: Path) -> Mapping[str, Any]:
    path = folder / "training.json"
    read = json.loads(path.read_bytes()) if path.exists() else {}
    return read if isinstance(read, dict) else {}


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("flawgate_training.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

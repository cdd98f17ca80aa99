"""What a study came to, as data: docs/results/<study>.json, from which the page is made without any run at hand."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.repository.files import write_whole
from flawgate_training.evaluation.figures import Figures
from flawgate_training.studies.figures import Intervals, Values
from flawgate_training.studies.provenance import Made
from flawgate_training.studies.schema import Study


class Seen(Figures):
    """What the maps showed of a frame that was judged wrongly."""

    defect_px: int = Field(ge=0, description="Area of the label as drawn, in pixels of the original frame.")
    inside: float | None = Field(description="Highest value of the map within the label, 0–1; none: nothing labelled.")
    outside: float | None = Field(description="The same outside of the label.")


class WrongFrame(Figures):
    """A frame on the wrong side of its threshold."""

    name: str
    defective: bool = Field(description="The truth: a missed defect where true, a false alarm where false.")
    score: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1, description="That of its fold.")
    seen: Seen | None = Field(default=None, description="None: the network draws no map, or the frame is not at hand.")
    verdict: str = Field(description="Why, as far as the map tells.")

    @property
    def margin(self) -> float:
        """Score − threshold: below 0 of a missed defect."""
        return self.score - self.threshold


class RunResult(Figures):
    """One finished run: a variant with a seed."""

    variant: str
    seed: int
    digest: str = Field(description="Of the evaluation: experiment and weights of all folds.")
    settings: str = Field(description="SHA-256 of what was asked for, as hexadecimal digits.")
    task: str
    architecture: str
    dilation: int | None = Field(
        description="Side of the square by which labels grew, in pixels; None: not applicable."
    )
    frames: int
    protocol: str
    threshold: float | None
    figures: Values
    intervals: Intervals = Field(default={}, description="Of 95 %.")
    folds: tuple[Values, ...] = Field(default=(), description="Counts of each fold, where there are folds.")
    wrong: tuple[WrongFrame, ...] = ()
    seconds: float = Field(description="That training took, all folds together.")
    device: str
    threads: int
    made: Made


class Failure(Figures):
    """A run that came to no figures."""

    variant: str
    seed: int
    sentence: str


class StudyResult(Figures):
    """Everything that the page shows of a study."""

    study: Study
    runs: tuple[RunResult, ...] = ()
    failures: tuple[Failure, ...] = ()

    def run(self, variant: str, seed: int) -> RunResult | None:
        """One run, if it is finished."""
        return next((run for run in self.runs if (run.variant, run.seed) == (variant, seed)), None)

    def of(self, variant: str) -> list[RunResult]:
        """The finished runs of a variant, by seed."""
        return sorted((run for run in self.runs if run.variant == variant), key=lambda run: run.seed)

    @property
    def missing(self) -> list[tuple[str, int]]:
        """Variants and seeds that are not run."""
        pairs = [(variant.name, seed) for variant in self.study.variants for seed in self.study.seeds]
        return [pair for pair in pairs if self.run(*pair) is None]


class ServedFold(Figures):
    """The frames that one run held out, as evaluated and as the cluster answered them."""

    name: str
    frames: int
    evaluated: Values = Field(description="False positives and false negatives by predictions.json.")
    served: Values = Field(description="The same by the cluster's evaluations.")
    largest_shift: float = Field(ge=0, description="Largest difference of two scores of one frame.")
    differing: tuple[str, ...] = Field(description="Frames whose evaluation is not the same.")


class Served(Figures):
    """The cluster's answers beside the evaluated ones: docs/results/served.json."""

    kind: Literal["served"] = "served"
    run: str
    folds: tuple[ServedFold, ...]
    made: Made

    @property
    def equal(self) -> bool:
        """Whether every frame got the same evaluation."""
        return not any(fold.differing for fold in self.folds)

    def pooled(self, way: Literal["evaluated", "served"]) -> Values:
        """The errors of all folds together, by one of both ways."""
        folds: list[Values] = [getattr(fold, way) for fold in self.folds]
        return {name: sum(fold[name] for fold in folds) for name in ("false_positives", "false_negatives")}


SERVED = "served.json"


def path_of(study: str, folder: Path) -> Path:
    """Where the result of a study lies."""
    return folder / f"{study}.json"


def write(result: StudyResult, folder: Path) -> None:
    """Write a result, whole or not at all; the folder is made where there is none.

    Raises:
        DiskFull: no space is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path_of(result.study.name, folder), result.model_dump_json(indent=2).encode() + b"\n")


def read(study: str, folder: Path) -> StudyResult | None:
    """The result of a study; None where there is none yet.

    Raises:
        InvalidParameter: the file is none of this version.
    """
    path = path_of(study, folder)
    if not path.exists():
        return None
    try:
        return StudyResult.model_validate_json(path.read_bytes())
    except ValidationError as err:
        raise InvalidParameter(
            f"{path} holds no result that this version of Flawgate reads; remove it, and `flawgate reproduce {study}` "
            "gathers it anew.",
            {"field": "results"},
        ) from err


def read_all(folder: Path) -> list[StudyResult]:
    """The results of all studies in a folder, in the order of the page.

    Raises:
        InvalidParameter: see `read`.
    """
    found = (read(path.stem, folder) for path in sorted(folder.glob("*.json")) if path.name != SERVED)
    return sorted((result for result in found if result), key=lambda result: result.study.place)


def read_served(folder: Path) -> Served | None:
    """The comparison with the cluster; None where there is none.

    Raises:
        InvalidParameter: the file is none of this version.
    """
    path = folder / SERVED
    if not path.exists():
        return None
    try:
        return Served.model_validate_json(path.read_bytes())
    except ValidationError as err:
        raise InvalidParameter(
            f"{path} is of another version; remove it, and `make reproduce-served` makes it."
        ) from err

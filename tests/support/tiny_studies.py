"""Studies of seconds, and results as if they had been carried out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from flawgate_training.studies.figures import Values
from flawgate_training.studies.provenance import Machine, Made
from flawgate_training.studies.results import RunResult, Seen, StudyResult, WrongFrame
from flawgate_training.studies.schema import Study

TINY = (
    "data.train=8",
    "data.test=8",
    "steps=[{op: grey}, {op: resize, height: 64, width: 64}]",
    "stages.segmentation.epochs=1",
    "stages.segmentation.batch_size=4",
    "stages.segmentation.repeats=1",
    "stages.segmentation.augmentation.crop=null",
    "stages.classification.epochs=1",
    "stages.classification.bank={epochs: 1}",
)
"""Settings of `texture` that make a run of a second, as bad as that suggests."""

DESCRIBED: Mapping[str, Any] = {
    "place": 1,
    "title": "Tiny textures",
    "question": "Does it run?",
    "protocol": "8 fresh frames",
    "headline": "tiny",
    "variants": [{"name": "tiny", "title": "Tiny network", "experiment": "texture", "settings": list(TINY)}],
    "seeds": [0, 1],
    "figures": ["errors", "average_precision"],
    "goals": [{"figure": "errors", "at_most": 0, "floor": 2}],
    "references": [
        {
            "name": "Paper x",
            "kind": "paper",
            "best": True,
            "figures": {"errors": 3, "false_positives": 1, "false_negatives": 2},
        }
    ],
}

MADE = Made(
    commit="0123456789abcdef0123456789abcdef01234567",
    clean=True,
    at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    machine=Machine(cpu="Some CPU", cores=2, memory_mb=8192, torch="2.15.0"),
)

MISSED = WrongFrame(
    name="part|7",
    defective=True,
    score=0.846163,
    threshold=0.9,
    seen=Seen(defect_px=204, inside=0.93, outside=0.11),
    verdict="Seen, but the score stays below 0.9.",
)


def described(**changes: Any) -> dict[str, Any]:
    """The tiny study as in YAML, with some keys changed."""
    return {**DESCRIBED, **changes}


def study(name: str = "tiny", **changes: Any) -> Study:
    """The tiny study."""
    return Study.model_validate(described(**changes) | {"name": name})


def write_study(folder: Path, name: str = "tiny", **changes: Any) -> Path:
    """A folder that holds the tiny study's YAML."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(described(**changes)), encoding="utf-8")
    return folder


def counted(false: int, missed: int, **others: float) -> Values:
    """Errors, and further figures."""
    values = {"errors": false + missed, "false_positives": false, "false_negatives": missed, **others}
    return (
        Study.model_validate(described(name="x", references=[{"name": "x", "kind": "paper", "figures": values}]))
        .references[0]
        .figures
    )


def run(seed: int, figures: Values, *, wrong: Sequence[WrongFrame] = (), **changes: Any) -> RunResult:
    """A finished run of the variant `tiny`."""
    usual = RunResult(
        variant="tiny",
        seed=seed,
        digest="d",
        settings="s",
        task="cascade",
        architecture="commutator_two_stage",
        dilation=9,
        frames=8,
        protocol="8 generated frames.",
        threshold=0.9,
        figures=figures,
        wrong=tuple(wrong),
        seconds=120.0,
        device="cpu",
        threads=1,
        made=MADE,
    )
    return usual.model_copy(update=changes)


def result(*runs: RunResult, **changes: Any) -> StudyResult:
    """What the tiny study came to."""
    return StudyResult(study=study(**changes), runs=runs)

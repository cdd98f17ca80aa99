"""Whether the cluster answers as training evaluated: every held-out frame of a run, through all services.

    python benchmarks/served.py [--run runs/ksdd/residual/seed0] [--data FOLDER] [--results docs/results]

Exports each fold's run into a scratch model repository, starts the whole cluster on it, and sends each frame as its own
file over REST. Writes RESULTS/served.json and the page of results. Exits with 1 where an evaluation differs.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import track

from flawgate_cli.local_cluster.cluster import running_cluster
from flawgate_cli.local_cluster.layout import Layout, Ports
from flawgate_contracts.errors import InvalidParameter, ModelFailure
from flawgate_contracts.repository.files import write_whole
from flawgate_training import runs
from flawgate_training.datasets.files import FileSource
from flawgate_training.datasets.items import Item
from flawgate_training.evaluation.predictions import Judged, Prediction
from flawgate_training.evaluation.reporting import threshold_of
from flawgate_training.studies import loading, page, provenance
from flawgate_training.studies.results import SERVED, Served, ServedFold
from flawgate_training.tasks import data as frames_of
from flawgate_training.tasks.publishing import Publication, export

RUN = Path("runs/ksdd/residual/seed0")
RESULTS = Path("docs/results")
PARITY_FRAMES = 24
"""Compared at the export already; here every frame is."""
READY_TIMEOUT_S = 300.0
ANSWER_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Fold:
    """A judged run, and the frames that it held out, by name."""

    folder: Path
    judged: Judged
    items: dict[str, Item]

    @classmethod
    def of(cls, folder: Path, data: Path | None) -> "Fold":
        """Read it.

        Raises:
            InvalidParameter: the run is not judged, or its frames are no files.
            InvalidDataset: the frames are not those of the run any more.
        """
        test = frames_of.again(runs.load(folder).experiment, folder, data).test
        if not all(isinstance(item.source, FileSource) for item in test.items):
            raise InvalidParameter(f"The frames of {folder} are generated; name a run that learned from files.")
        return cls(folder, Judged.load(folder), {item.name: item for item in test.items})

    @property
    def recipe(self) -> str:
        """The name under which it is served."""
        return f"served_{self.folder.name}"


def folds_of(run: Path, data: Path | None) -> list[Fold]:
    """The folds in a folder, or the one run that it is."""
    return [Fold.of(folder, data) for folder in sorted(run.glob("fold[0-9]*")) or [run]]


def publish(folds: Sequence[Fold], repository: Path, data: Path | None) -> None:
    """Export every fold, parity gate included."""
    for fold in folds:
        export(
            Publication(fold.folder, fold.recipe, repository, "fp32", "cpu", None, None, "", None, PARITY_FRAMES), data
        )


def compare(fold: Fold, gateway: httpx.Client) -> ServedFold:
    """Send the frames of a fold, and hold the answers against its predictions.

    Raises:
        ModelFailure: the cluster gives no evaluation of a frame.
    """
    threshold = threshold_of(fold.judged)
    asked = fold.judged.test
    answers = [
        inspect(gateway, fold, each)
        for each in track(asked, description=fold.folder.name, console=Console(stderr=True))
    ]
    evaluated = ["NOT_OK" if each.score >= threshold else "OK" for each in asked]
    served = [str(answer["evaluation"]) for answer in answers]
    return ServedFold(
        name=fold.folder.name,
        frames=len(asked),
        evaluated=errors(asked, evaluated),
        served=errors(asked, served),
        largest_shift=max(
            abs(answer["score"] - each.score)
            for answer, each in zip(answers, asked, strict=True)
            if answer["score"] is not None  # NOT_DECIDABLE: it stands in `differing`
        ),
        differing=tuple(each.name for each, here, there in zip(asked, evaluated, served, strict=True) if here != there),
    )


def inspect(gateway: httpx.Client, fold: Fold, prediction: Prediction) -> dict[str, Any]:
    """The cluster's answer to a frame, sent as the file that it is."""
    source = fold.items[prediction.name].source
    assert isinstance(source, FileSource)  # noqa: S101 - `Fold.of` looked
    answer = gateway.post("/v1/inspections", data={"recipe": fold.recipe}, files={"file": source.encoded()})
    if answer.status_code != httpx.codes.CREATED:
        raise ModelFailure(f"{prediction.name}: the gateway answered {answer.status_code}: {answer.text[:300]}")
    inspection: dict[str, Any] = answer.json()
    return inspection


def errors(frames: Sequence[Prediction], evaluations: Sequence[str]) -> dict[Any, float]:
    """False positives and false negatives; what is not OK and not NOT_OK is neither, but differs."""
    pairs = list(zip(frames, evaluations, strict=True))
    return {
        "false_positives": sum(said == "NOT_OK" and not frame.defective for frame, said in pairs),
        "false_negatives": sum(said == "OK" and frame.defective for frame, said in pairs),
    }


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=RUN, help="folder of a judged run or cross-validation")
    parser.add_argument("--data", type=Path, help="folder of its data set; where the run found it, without")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    asked = parser.parse_args()
    folds = folds_of(asked.run, asked.data)
    with tempfile.TemporaryDirectory(prefix="flawgate-served-") as folder:
        repository = Path(folder, "model_repository")
        publish(folds, repository, asked.data)
        layout = Layout(repository, Ports.free())
        with (
            running_cluster(layout, lambda _name, _line: None, ready_timeout_s=READY_TIMEOUT_S),
            httpx.Client(base_url=layout.url, timeout=ANSWER_TIMEOUT_S, trust_env=False) as gateway,
        ):
            found = [compare(fold, gateway) for fold in folds]
    served = Served(run=asked.run.as_posix(), folds=tuple(found), made=provenance.made_now())
    asked.results.mkdir(parents=True, exist_ok=True)
    write_whole(asked.results / SERVED, served.model_dump_json(indent=2).encode() + b"\n")
    print(f"Written to {page.write(asked.results, loading.load_all())}.")
    for fold in found:
        print(
            f"{fold.name}: {fold.frames} frames, {len(fold.differing)} differ, scores by up to {fold.largest_shift:.1e}"
        )
    return 0 if served.equal else 1


if __name__ == "__main__":
    sys.exit(main())

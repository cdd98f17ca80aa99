import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from support.picture_folders import mask, picture
from support.tiny_studies import TINY, described, study, write_study
from typer.testing import CliRunner

from flawgate_contracts.errors import InvalidExperiment, InvalidParameter
from flawgate_training.commands import register
from flawgate_training.evaluation.judging import read_report
from flawgate_training.studies import loading, results
from flawgate_training.studies.gathering import gather
from flawgate_training.studies.results import StudyResult
from flawgate_training.tasks.reproducing import Reproduction, reproduce

FOLDS = (
    *(setting for setting in TINY if not setting.startswith("data.")),
    "data={kind: image_mask_folder, split: {folds: 2, validation: 0}}",
)
"""Settings of `commutator` that learn a user's own twelve pictures in two folds."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for studies, runs and results, which the tests of this file go through one after the other."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def adopted(work: Path) -> Path:
    """A run that `flawgate train` left where the study has its own."""
    app = typer.Typer(pretty_exceptions_enable=False)
    register(app)
    folder = work / "runs" / "tiny" / "seed0"
    settings = [option for setting in TINY for option in ("--set", setting)]
    CliRunner().invoke(app, ["train", "texture", *settings, "--out", str(folder)], catch_exceptions=False)
    return folder


def carry_out(work: Path, *, seeds: Sequence[int] = (), data: Path | None = None, **changes: Any) -> bool:
    """Carry the tiny study out, or a changed one, in these folders."""
    return reproduce(replace(asking(work, **changes), data=data, seeds=seeds))


def asking(work: Path, **changes: Any) -> Reproduction:
    """For the tiny study, or a changed one, in these folders."""
    studies = write_study(work / "studies", **changes)
    return Reproduction("tiny", out=work / "runs", results=work / "docs" / "results", studies=studies)


@pytest.fixture(scope="module")
def before(adopted: Path, work: Path) -> dict[str, int]:
    """When the adopted run's files were written, before the study was carried out with its first seed."""
    written = times(adopted)
    assert carry_out(work, seeds=[0])
    return written


def times(folder: Path) -> dict[str, int]:
    """When weights and predictions were written, in nanoseconds."""
    return {name: (folder / name).stat().st_mtime_ns for name in ("weights.pt", "predictions.json")}


def result(work: Path) -> StudyResult:
    """What was written."""
    found = results.read("tiny", work / "docs" / "results")
    assert found is not None
    return found


def test_a_finished_run_is_adopted(work: Path, adopted: Path, before: dict[str, int]) -> None:
    """It is neither trained nor judged again; its figures are those of its own evaluation.json."""
    assert before == times(adopted)
    found, report = result(work).run("tiny", 0), read_report(adopted / "evaluation.json")
    assert found is not None
    assert report.pooled is not None
    assert (report.digest, report.pooled.average_precision) == (found.digest, found.figures["average_precision"])
    assert json.loads((adopted / "training.json").read_bytes())["seconds"] == found.seconds


@pytest.mark.usefixtures("before")
def test_every_wrong_frame_is_looked_at(work: Path, adopted: Path) -> None:
    """Those of the evaluation, each with its score, what the map showed, and a picture beside the runs."""
    report, found = read_report(adopted / "evaluation.json"), result(work).run("tiny", 0)
    assert found is not None
    assert report.pooled is not None
    assert {frame.name: frame.score for frame in report.pooled.wrong} == {each.name: each.score for each in found.wrong}
    assert len(found.wrong) == len(list((work / "runs" / "wrong").glob("tiny_seed0_*.png"))) > 0
    assert all(each.seen is not None and (each.seen.defect_px > 0) == each.defective for each in found.wrong)


@pytest.mark.usefixtures("before")
def test_gathering_trains_nothing(work: Path) -> None:
    """What is finished stands in the result, what is not stays as it is."""
    seeds = [0, 5]
    assert reproduce(replace(asking(work, seeds=seeds), gather=True))
    assert result(work).missing == [("tiny", 5)]
    assert not (work / "runs" / "tiny" / "seed5").exists()


def test_an_interrupted_study_goes_on(work: Path, adopted: Path, before: dict[str, int]) -> None:
    """What was trained but not judged is judged with the same weights, what is missing is trained, the rest stays."""
    first = result(work).run("tiny", 0)
    (adopted / "evaluation.json").unlink()
    assert carry_out(work)
    assert before["weights.pt"] == times(adopted)["weights.pt"]
    assert first == result(work).run("tiny", 0)
    assert result(work).missing == []
    assert "| **Tiny network** | mean ± sd |" in (work / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(("setting", "kept"), [("seed=0", 1), ("data.train=10", 0)])
def test_results_outlive_their_runs(work: Path, tmp_path: Path, setting: str, kept: int) -> None:
    """In a fresh clone, where no run lies, figures of the same settings stay; those of other settings are gone."""
    earlier = result(work)
    variants = [{**described()["variants"][0], "settings": [*TINY, setting]}]
    found = gather(study(variants=variants), tmp_path, earlier, data=None, failures={})
    assert [earlier.run("tiny", 0)][:kept] == [each for each in found.runs if each.seed == 0]


@pytest.mark.parametrize("name", loading.names())
def test_the_page_of_this_repository_is_of_todays_settings(name: str, tmp_path: Path) -> None:
    """No figure of docs/results.md was gathered for other settings than its experiment has now."""
    earlier = results.read(name, Path("docs/results"))
    if earlier is None:
        pytest.skip("nothing was gathered for this study yet")
    assert gather(loading.load(name), tmp_path, earlier, data=None, failures={}).runs == earlier.runs


def test_a_failed_run_stops_no_other(work: Path, before: dict[str, int]) -> None:
    """The others are carried out, the failure stands in the results and on the page, and the command fails."""
    settings = [*TINY, "network.weights=nowhere.pt"]
    failing = {"name": "lost", "title": "Lost network", "experiment": "texture", "settings": settings}
    assert not carry_out(work, variants=[failing, described()["variants"][0]], seeds=[0])
    assert result(work).run("tiny", 0) is not None
    [failure] = result(work).failures
    assert failure.variant == "lost"
    assert "nowhere.pt" in failure.sentence
    page = (work / "docs" / "results.md").read_text(encoding="utf-8")
    assert f"| **Lost network** | 0 | – | – |  | failed: {failure.sentence} |" in page


def test_folds_are_judged_together(tmp_path: Path) -> None:
    """An experiment with folds is cross-validated, and its figures are those pooled over the folds."""
    for number in range(12):
        picture(tmp_path / "parts" / "images" / f"{number:02}.png")
        mask(tmp_path / "parts" / "masks" / f"{number:02}.png", *([255] if number % 2 else []))
    variant = {"name": "folds", "title": "Folds", "experiment": "commutator", "settings": list(FOLDS)}
    assert carry_out(tmp_path, variants=[variant], headline="folds", seeds=[0], data=tmp_path / "parts")
    found = result(tmp_path).run("folds", 0)
    report = read_report(tmp_path / "runs" / "folds" / "seed0" / "evaluation.json")
    assert found is not None
    assert (12, 2, report.digest) == (found.frames, len(found.folds), found.digest)
    assert found.figures["errors"] == sum(fold["errors"] for fold in found.folds) == len(found.wrong)


@pytest.mark.parametrize(
    ("asked", "error", "sentence"),
    [
        (Reproduction("nothing"), InvalidExperiment, "There is no study 'nothing'"),
        (Reproduction("ksdd", variants=("other",)), InvalidParameter, "The study ksdd has no variant other"),
        (Reproduction("ksdd"), InvalidParameter, r"learns from files \(kolektor_sdd\); give their folder with --data"),
        (Reproduction("ksdd", seeds=(77,)), InvalidParameter, "The study ksdd has no seed 77; it has 0"),
    ],
)
def test_what_a_study_lacks_is_told(asked: Reproduction, error: type[Exception], sentence: str) -> None:
    """Before anything is written."""
    with pytest.raises(error, match=sentence):
        reproduce(asked)


def test_the_command_gathers_every_study(tmp_path: Path) -> None:
    """`flawgate reproduce --gather` makes the page of all studies, without training anything."""
    app = typer.Typer(pretty_exceptions_enable=False)
    register(app)
    arguments = ["reproduce", "--gather", "--out", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert [name for name in loading.names() if f"make reproduce-{name}\n" not in page] == []


def test_the_command_fails_where_a_run_does(tmp_path: Path) -> None:
    """The folder given is empty, so no run comes to anything: exit code 1, and a sentence that says why."""
    app = typer.Typer(pretty_exceptions_enable=False)
    register(app)
    arguments = ["reproduce", "ksdd", "--seed", "0", "--data", str(tmp_path), "--out", str(tmp_path / "runs")]
    outcome = CliRunner().invoke(app, [*arguments, "--results", str(tmp_path / "results")])
    assert outcome.exit_code == 1
    assert "two_stage with seed 0 came to nothing: " in outcome.output

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from support.picture_folders import mask, picture
from typer.testing import CliRunner

from flawgate_contracts.errors import FlawgateError, InvalidDataset, InvalidExperiment, InvalidParameter
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_training.commands import register
from flawgate_training.evaluation.figures import Report
from flawgate_training.experiment import loading
from flawgate_training.experiment.schema import Experiment

TINY = (
    "steps=[{op: grey}, {op: resize, height: 64, width: 64}]",
    "stages.segmentation.epochs=1",
    "stages.segmentation.batch_size=4",
    "stages.segmentation.augmentation.crop=null",
    "stages.refinement=null",
    "stages.classification.epochs=1",
    "stages.classification.bank.epochs=1",
)


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    """A command with the subcommands of training alone."""
    made = typer.Typer(pretty_exceptions_enable=False)
    register(made)
    return made


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own folder: twelve pictures, every second one with a defect in its mask."""
    folder = tmp_path_factory.mktemp("my_part")
    for number in range(12):
        picture(folder / "images" / f"{number:02}.png")
        mask(folder / "masks" / f"{number:02}.png", *([255] if number % 2 else []))
    return folder


def said(app: typer.Typer, *arguments: str) -> str:
    """What a command prints, if it succeeds."""
    return CliRunner().invoke(app, arguments, catch_exceptions=False).output


def settings(*settings: str) -> list[str]:
    """As options."""
    return [option for setting in settings for option in ("--set", setting)]


@pytest.fixture(scope="module")
def trained(app: typer.Typer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of a tiny run on generated textures, and what training it printed."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    tiny = settings(*TINY, "data.train=8", "data.test=8")
    return folder, said(app, "train", "texture", *tiny, "--out", str(folder))


def test_help_is_quick() -> None:
    """Registering the subcommands and showing help imports neither torch nor lightning."""
    code = (
        "import sys, typer; from flawgate_training.commands import register; app = typer.Typer(); register(app); "
        "app(['--help'], standalone_mode=False); print(sorted({'torch', 'lightning', 'onnx'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    learning = ("experiments", "architectures", "dataset", "train", "cross-validate", "evaluate", "report")
    assert [name for name in (*learning, "reproduce", "export") if name not in done.stdout] == []


def test_trains_judges_and_reports(trained: tuple[Path, str]) -> None:
    """One command leaves a finished run with its figures and its page, and says where it is."""
    folder, output = trained
    assert f"The run is finished: {folder}" in output
    assert "8 frames at 0.9: " in output
    assert f"Report: {folder / 'report.html'}" in output
    kept = {"experiment.json", "manifest.json", "split.json", "weights.pt", "predictions.json", "evaluation.json"}
    assert kept - {path.name for path in folder.iterdir()} == set()


def test_evaluates_reports_and_exports(app: typer.Typer, trained: tuple[Path, str], tmp_path: Path) -> None:
    """A finished run is judged and reported again, and published with that judgement in its card."""
    folder, _ = trained
    first = (folder / "evaluation.json").read_bytes()
    assert "8 frames at 0.9: " in said(app, "evaluate", str(folder))
    assert (folder / "evaluation.json").read_bytes() == first
    assert said(app, "report", str(folder)) == f"Report: {folder / 'report.html'}\n"
    repository = tmp_path / "model_repository"
    published = said(app, "export", str(folder), "--recipe", "tiny", "--model-repository", str(repository))
    assert f"Published tiny, version 1, in {repository}." in published
    assert "## Evaluation\n\n" in (repository / "tiny" / "1" / "MODEL_CARD.md").read_text(encoding="utf-8")
    quality = ModelRepository(repository).recipe("tiny", 1).quality
    assert quality is not None
    assert 0 < (quality.min_mean or 0) < (quality.max_mean or 0) < 1


def test_the_same_command_again_changes_nothing(app: typer.Typer, trained: tuple[Path, str]) -> None:
    """A finished run is not trained again; one of other settings is refused and stays as it is."""
    folder, _ = trained
    weights = (folder / "weights.pt").read_bytes()
    split = (folder / "split.json").read_bytes()
    other = CliRunner().invoke(app, ["train", "texture", *settings(*TINY, "seed=5"), "--out", str(folder)])
    assert isinstance(other.exception, InvalidParameter)
    assert "holds a run with other settings" in other.exception.message
    assert ((folder / "weights.pt").read_bytes(), (folder / "split.json").read_bytes()) == (weights, split)


def test_learns_own_pictures(app: typer.Typer, parts: Path, tmp_path: Path) -> None:
    """`--like` learns a folder of pictures and masks without any code, and the run knows later where they lie."""
    folder = tmp_path / "my_part"
    own = ["--like", "commutator", "--data", str(parts), "--recipe", "my_part"]
    told = said(app, "dataset", *own, *settings(TINY[0]))
    assert "24 files, SHA-256 over all of them " in told
    assert "no leak found" in told
    output = said(app, "train", *own, *settings(*TINY), "--out", str(folder))
    assert "defects found" in output
    experiment = Experiment.model_validate_json((folder / "experiment.json").read_bytes())
    assert (experiment.name, experiment.data.kind, experiment.paper) == ("my_part", "image_mask_folder", None)
    assert "defects found" in said(app, "evaluate", str(folder))


def test_changed_pictures_are_noticed(app: typer.Typer, parts: Path, tmp_path: Path) -> None:
    """A run is not judged on pictures that changed since it began: they are named."""
    folder = tmp_path / "my_part"
    own = ["--like", "commutator", "--data", str(parts), "--recipe", "my_part", *settings(*TINY)]
    said(app, "train", *own, "--out", str(folder))
    before = (parts / "images" / "03.png").read_bytes()
    picture(parts / "images" / "03.png").write_bytes((parts / "images" / "05.png").read_bytes()[:-1] + b"?")
    mask(parts / "masks" / "03.png", 255, 255)
    (parts / "images" / "03.png").write_bytes(before)
    outcome = CliRunner().invoke(app, ["evaluate", str(folder)])
    mask(parts / "masks" / "03.png", 255)
    assert isinstance(outcome.exception, InvalidDataset)
    assert "masks/03.png" in outcome.exception.message


def test_cross_validates(app: typer.Typer, parts: Path, tmp_path: Path) -> None:
    """Each fold has its run, every frame is judged once, and all are judged together."""
    own = ["--like", "commutator", "--data", str(parts), "--recipe", "my_part"]
    folds = settings(*TINY, "data.split={folds: 2, validation: 0}")
    output = said(app, "cross-validate", *own, *folds, "--out", str(tmp_path))
    assert "12 frames at 0.9: " in output
    report = Report.model_validate_json((tmp_path / "evaluation.json").read_bytes())
    assert len(report.folds) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evaluation.json", "fold0", "fold1", "report.html"]


def test_lists_experiments(app: typer.Typer) -> None:
    """The list names every experiment, for people and for programs; one of them is shown whole."""
    assert all(name in said(app, "experiments") for name in loading.names())
    assert [row["name"] for row in json.loads(said(app, "experiments", "--json"))] == loading.names()
    assert "learning_rate: 0.002" in said(app, "experiments", "commutator")


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (["train"], InvalidParameter, "Name an experiment"),
        (["train", "comutator"], InvalidExperiment, "There is no experiment 'comutator'"),
        (["train", "commutator"], InvalidParameter, "commutator learns from files (kolektor_sdd)"),
        (["train", "commutator", "--data", "nowhere"], InvalidDataset, "There is no folder nowhere"),
        (["train", "commutator", "--like", "texture"], InvalidParameter, "Give either an experiment or --like"),
        (["train", "--like", "texture"], InvalidParameter, "--like learns own pictures"),
        (["train", "--like", "texture", "--data", "nowhere", "--recipe", "x"], InvalidDataset, "There is no folder"),
        (["cross-validate", "texture"], InvalidExperiment, "texture learns generated frames"),
        (["cross-validate", "leather", "--data", "nowhere"], InvalidExperiment, "leather is not divided into folds"),
        (["evaluate", "nowhere"], InvalidParameter, "There is no run in nowhere"),
        (["report", "nowhere"], InvalidParameter, "There is no run in nowhere"),
        (["export", "nowhere", "--recipe", "x"], InvalidParameter, "There is no run in nowhere"),
        (["export", "nowhere", "--recipe", "x", "--no-quality-limits"], InvalidParameter, "There is no run in nowhere"),
    ],
)
def test_errors_are_one_sentence(
    app: typer.Typer, arguments: list[str], error: type[FlawgateError], sentence: str
) -> None:
    """What the user got wrong is an expected error of one sentence, before anything is written."""
    outcome = CliRunner().invoke(app, arguments)
    assert isinstance(outcome.exception, error)
    assert outcome.exception.message.startswith(sentence)

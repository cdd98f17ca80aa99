import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flawgate_contracts.errors import InvalidParameter
from flawgate_training import presets, runs
from flawgate_training.commands import register
from flawgate_training.config import KolektorData, RunConfig
from flawgate_training.datasets.samples import Sample
from flawgate_training.evaluation import Report
from flawgate_training.presets import Choice


@pytest.fixture
def app() -> typer.Typer:
    """A command with the subcommands of training alone."""
    made = typer.Typer(pretty_exceptions_enable=False)
    register(made)
    return made


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_config: RunConfig, tiny_samples: list[Sample]) -> Path:
    """Folder of a tiny finished run."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    runs.train(tiny_config, tiny_samples, folder)
    return folder


def test_help_is_quick() -> None:
    """Registering the subcommands and showing help imports neither torch nor lightning."""
    code = (
        "import sys, typer; from flawgate_training.commands import register; app = typer.Typer(); register(app); "
        "app(['--help'], standalone_mode=False); print(sorted({'torch', 'lightning', 'onnx'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(name in done.stdout for name in ("train", "cross-validate", "evaluate", "export"))


def test_evaluates_and_exports(app: typer.Typer, finished: Path, tmp_path: Path) -> None:
    """A finished run is judged on held-out textures, and published with that judgement in its card."""
    judged = CliRunner().invoke(app, ["evaluate", str(finished)], catch_exceptions=False)
    assert judged.output.startswith("8 frames at 0.9: ")
    report = Report.model_validate_json((finished / "evaluation.json").read_bytes())
    assert (report.pooled.frames, report.folds) == (8, ())
    repository = tmp_path / "model_repository"
    arguments = ["export", str(finished), "--recipe", "tiny", "--repository", str(repository)]
    published = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert published.output.startswith("Published tiny in ")
    assert "## Evaluation\n\nSynthetic frames" in (repository / "tiny" / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "commutator", "--fold", "0"], "This run learns from KolektorSDD; give its folder with --data."),
        (["train", "commutator", "--data", "nowhere"], "There is no folder nowhere"),
        (["cross-validate", "--data", "nowhere"], "There is no folder nowhere"),
        (["evaluate", "nowhere"], "There is no run in nowhere"),
        (["export", "nowhere", "--recipe", "x"], "There is no run in nowhere"),
        (["export", "nowhere", "--recipe", "x", "--evaluation", "none.json"], "none.json is no evaluation"),
    ],
)
def test_errors_are_one_sentence(app: typer.Typer, arguments: list[str], sentence: str) -> None:
    """What the user got wrong is an expected error of one sentence, before anything is written."""
    outcome = CliRunner().invoke(app, arguments)
    assert isinstance(outcome.exception, InvalidParameter)
    assert outcome.exception.message.startswith(sentence)


def test_a_run_on_everything_cannot_be_judged(
    app: typer.Typer, tmp_path: Path, tiny_config: RunConfig, finished: Path
) -> None:
    """A run that learned from every frame has none left to be judged upon, and says so."""
    config = tiny_config.model_copy(update={"data": KolektorData(dilation=1)})
    for name in ("weights.pt", "training.json"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    (tmp_path / "config.json").write_text(config.model_dump_json())
    outcome = CliRunner().invoke(app, ["evaluate", str(tmp_path)])
    assert isinstance(outcome.exception, InvalidParameter)
    assert "learned from every frame" in outcome.exception.message


def test_presets() -> None:
    """`paper` is Adam at 0.01 with one frame a step in both stages; `stable` falls to zero; epochs can be set."""
    paper, stable = (presets.commutator(Choice(preset), fold=1) for preset in ("paper", "stable"))
    for stage in (paper.segmentation, paper.classification):
        assert (stage.learning_rate, stage.schedule, stage.batch_size) == (0.01, "constant", 1)
    assert (stable.segmentation.schedule, stable.classification.schedule) == ("cosine", "cosine")
    assert (stable.height, stable.width, stable.data) == (1408, 512, KolektorData(dilation=9, fold=1))
    assert presets.texture(Choice(epochs=3)).segmentation.epochs == 3

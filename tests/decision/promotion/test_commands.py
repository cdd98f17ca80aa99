"""`flawgate models ...`, as a person types it, with --offline: the model server is this process."""

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from support.golden import write_golden
from support.tiny_repository import write_spot
from typer.testing import CliRunner

from flawgate_cli import app
from flawgate_contracts.errors import FlawgateError, InvalidParameter, ModelServerUnavailable
from flawgate_contracts.repository import switch
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_decision.promotion import tables

MODELS = EntryPoint("models", "flawgate_decision.commands:register", app.COMMANDS_GROUP)

Run = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Versions 1 (active) to 3 of `spot`, with golden frames, in the folder `repository`."""
    for version, gain in (("1", 1.0), ("2", 0.5), ("3", 0.25)):
        recipe = write_spot(tmp_path / "repository", version=version, gain=gain)
        write_golden(tmp_path / "repository", recipe, {"bright": 250}, gain=gain)
    return tmp_path / "repository"


@pytest.fixture
def run(root: Path) -> Run:
    """Runs `flawgate models ...` on it; gives what it prints, or raises its error."""

    def command(*arguments: str, folder: Path = root) -> str:
        line = ["models", *arguments, "--model-repository", str(folder)]
        done = CliRunner(env={"COLUMNS": "100"}).invoke(app.create_app([MODELS]), line)
        if isinstance(done.exception, FlawgateError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return command


def _rows(text: str) -> list[list[str]]:
    """Words of each line that has any."""
    return [line.split() for line in text.splitlines() if line.strip()]


def test_recipes_are_listed(run: Run) -> None:
    """One row each, with what is in force."""
    heading, _, row = _rows(run("list"))
    assert heading == ["recipe", "kind", "active", "versions", "size", "title"]
    assert row[:6] == ["spot", "cascade", "1", "1,", "2,", "3"]


def test_an_empty_repository_is_told(run: Run, tmp_path: Path) -> None:
    """The sentence says what to do."""
    (tmp_path / "empty").mkdir()
    assert "`flawgate export` puts one there" in run("list", folder=tmp_path / "empty")


def test_a_recipe_is_shown_from_promotion_to_pruning(run: Run, root: Path) -> None:
    """What is in force (the newest, unless a version is named), where a rollback goes, and who changed it when."""
    told = run("promote", "spot", "--offline")
    assert ["bright", "OK", "0.2451", "OK", "0.2451", "passed"] in _rows(told)
    assert "Version 3 of recipe spot is in force; before, it was version 1." in told
    rows = _rows(run("show", "spot"))
    assert ["3", "active", "2026-01-01", "tiny", "fp32", "1/1"] in [row[:6] for row in rows]
    assert ["1", "rollback", "2026-01-01"] in [row[:3] for row in rows]
    assert ["promote", "1", "3"] in [row[2:5] for row in rows]
    assert "removed 2; left 1, 3" in run("prune", "spot", "--keep", "0")
    assert "Version 1 of recipe spot is in force; before, it was version 3." in run("rollback", "spot", "--offline")
    assert "removed 3; left 1" in run("prune", "--all")
    assert ModelRepository(root).active("spot") == 1


def test_damage_and_interruptions_are_shown(run: Run, root: Path) -> None:
    """A version that cannot be promoted is found before anybody needs it."""
    repository = ModelRepository(root)
    switch.load_only(repository, repository.recipe("spot", 1), [1, 2])
    (root / "spot_cls/2/model.onnx").write_bytes(b"")
    told = " ".join(run("show", "spot").split())
    assert "2 2026-01-01 tiny fp32 0/0" in told
    assert "damaged" in told
    assert "Version 2: " in told
    assert "its 0 bytes have the SHA-256" in told
    assert tables.INTERRUPTED in told
    assert "1 (interrupted)" in run("list")


def test_programs_read_json(run: Run) -> None:
    """The same facts, by their names."""
    listed = json.loads(run("list", "--json"))
    shown = json.loads(run("show", "spot", "--json"))
    assert [each["name"] for each in listed] == ["spot"]
    assert (shown["active"], shown["kind"], len(shown["versions"])) == (1, "cascade", 3)
    assert shown["versions"][0]["fault"] == ""


@pytest.mark.parametrize("arguments", [("list",), ("show", "spot"), ("promote", "spot", "2"), ("prune",)])
def test_a_folder_that_is_not_there_is_told(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """It is not made."""
    with pytest.raises(InvalidParameter, match=r"There is no model repository at .*nowhere; name one with --model-rep"):
        run(*arguments, folder=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_without_triton_the_way_without_it_is_told(run: Run, root: Path) -> None:
    """Nothing is changed."""
    with pytest.raises(ModelServerUnavailable, match=r"127\.0\.0\.1:1 does not answer: start it, .* --offline"):
        run("promote", "spot", "2", "--triton", "127.0.0.1:1")
    assert ModelRepository(root).active("spot") == 1


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("DECISION_UPSTREAM_TLS_CA_FILE", r"The TLS file nowhere\.pem cannot be read"),
        ("DECISION_UPSTREAM_TLS_KEY_FILE", "DECISION_UPSTREAM_TLS_KEY_FILE: a certificate and its key go together"),
    ],
)
def test_what_triton_is_known_by_is_decisions_setting(
    run: Run, monkeypatch: pytest.MonkeyPatch, setting: str, sentence: str
) -> None:
    """Files of TLS that cannot be used are told before anything is asked."""
    monkeypatch.setenv(setting, "nowhere.pem")
    with pytest.raises(InvalidParameter, match=sentence):
        run("promote", "spot", "2", "--triton", "127.0.0.1:1")


def test_a_reason_to_go_on_unchecked_is_shown(run: Run, root: Path) -> None:
    """Whoever looks later sees why no golden frame was checked."""
    (root / "spot/2/golden.json").unlink()
    run("promote", "spot", "2", "--offline", "--unchecked", "trial")
    assert "trial" in run("show", "spot")

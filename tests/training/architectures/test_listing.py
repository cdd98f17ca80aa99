import json

import pytest
from rich.console import Console

from flawgate_training.architectures import listing
from flawgate_training.architectures.listing import Row
from flawgate_training.architectures.registry import ARCHITECTURES


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """All networks."""
    return listing.rows()


def rendered(rows: list[Row], width: int) -> list[str]:
    """The table's lines, without colours."""
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(listing.table(rows))
    return captured.get().splitlines()


def test_every_network_has_its_row(rows: list[Row]) -> None:
    """Every architecture is listed, those of paper a once per encoder of the paper, in the order of the papers."""
    assert {row.architecture for row in rows} == set(ARCHITECTURES)
    assert len({row.name for row in rows}) == len(rows)
    assert "".join(row.paper for row in rows) == "a" * 12 + "b" * 3 + "c" * 4 + "d" * 4 + "e"


def test_answers_in_words(rows: list[Row]) -> None:
    """Each row says what comes out."""
    words = {row.architecture: row.outputs for row in rows}
    assert words["manet"] == "7 class maps"
    assert words["custom_unet"] == "defect map"
    assert words["convolutional_autoencoder"] == "frame redrawn"
    assert words["improved_cnn"] == "5 classes"
    assert words["commutator_unet"] == "map 1/8, score"
    assert words["commutator_residual"] == "map 1/8, score"
    assert words["leather_cnn"] == "defect score"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_network_is_one_line(rows: list[Row], width: int) -> None:
    """From 80 columns on, nothing of the table is cut or folded."""
    lines = rendered(rows, width)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    for row in rows:
        figures = (
            f"{row.width}×{row.height}×{row.channels}",
            f"{row.parameters / 1e6:.3f}",
            f"{row.gmac:.2f}",
            row.outputs,
        )
        assert any(all(figure in line for figure in figures) for line in lines)


def test_json_holds_all(rows: list[Row]) -> None:
    """For programs, the same networks come as a JSON array, with parameters to the last one."""
    shown = json.loads(listing.as_json(rows))
    assert [each["name"] for each in shown] == [row.name for row in rows]
    (commutator,) = [each for each in shown if each["name"] == "commutator_two_stage"]
    assert commutator["parameters"] == 1_124_543
    assert (commutator["height"], commutator["width"], commutator["channels"]) == (1408, 512, 1)


def test_shows_what_was_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json, the array is printed, and without, the table for people."""
    monkeypatch.setenv("COLUMNS", "80")
    listing.show(json=True)
    assert capsys.readouterr().out.startswith("[\n")
    listing.show(json=False)
    shown = capsys.readouterr().out
    assert "Paper d: motor commutators" in shown
    assert "commutator_two_stage " in shown

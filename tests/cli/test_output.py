import json
from typing import Any

import pytest
from rich.console import Console
from support.scripted_gateway import INSPECTION

from flawgate_cli.inspecting.output import json_line, print_outcomes, print_summary
from flawgate_cli.inspecting.sending import Outcome
from flawgate_client import Inspection

KEYS = ["file", "inspection_id", "recipe", "evaluation", "reason", "score", "class", "defects"]
FOLDER = "../shared/data/KolektorSDD"


def defect(class_name: str = "defect") -> dict[str, Any]:
    """As the gateway says it."""
    return {
        "box": {"x": 212, "y": 1640, "width": 131, "height": 12},
        "class": class_name,
        "area_px": 9,
        "area_mm2": None,
        "peak": 0.9,
    }


def outcome(name: str, evaluation: str = "OK", *defects: dict[str, Any]) -> Outcome:
    """An evaluated frame."""
    return Outcome(name, 0.1123, Inspection.of({**INSPECTION, "evaluation": evaluation, "defects": list(defects)}))


def failed(name: str, detail: str = "The PNG picture is truncated; send the whole file.") -> Outcome:
    """A frame without evaluation."""
    return Outcome(name, 0.01, code="INVALID_FRAME", detail=detail)


OUTCOMES = [
    outcome(f"{FOLDER}/kos01/Part0.jpg"),
    outcome(f"{FOLDER}/kos01/Part5.jpg", "NOT_OK", defect(), defect(), defect()),
    outcome(f"{FOLDER}/kos10/Part[1].jpg", "NOT_DECIDABLE", defect()),
    failed(f"{FOLDER}/broken.png"),
]


def shown(outcomes: list[Outcome], width: int = 80, labels: list[bool] | None = None) -> str:
    """What a terminal of that many columns shows."""
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        print_outcomes(console, outcomes, title="commutator", labels=labels)
        print_summary(console, outcomes)
    return capture.get()


def test_a_json_line_has_exactly_the_documented_keys() -> None:
    """In their order, as one line."""
    line = json_line(outcome("a.png", "NOT_OK", defect()))
    assert "\n" not in line
    facts = json.loads(line)
    assert list(facts) == KEYS
    assert facts["file"] == "a.png"
    assert facts["defects"] == [defect()]
    assert (facts["recipe"], facts["evaluation"], facts["score"]) == ("spot", "NOT_OK", 0.25)


def test_a_failed_frame_has_its_error_and_no_evaluation() -> None:
    """Nobody can take it for good: every key of an evaluation is null."""
    facts = json.loads(json_line(failed("ä\n.png")))
    assert list(facts) == [*KEYS, "error"]
    assert facts["file"] == "ä\n.png"
    assert [facts[key] for key in KEYS[1:]] == [None] * 7
    assert facts["error"] == {"code": "INVALID_FRAME", "detail": failed("").detail}


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_of_real_names_fits_one_line_a_frame(width: int) -> None:
    """The folder that all share is said once, above."""
    text = shown(OUTCOMES, width)
    assert f"commutator · {FOLDER}" in text
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "kos01/Part0.jpg OK 0.2500 112" in rows
    assert "kos01/Part5.jpg NOT_OK 0.2500 3: 131×12 at 212,1640 112" in rows
    assert "kos10/Part[1].jpg NOT_DECIDABLE 0.2500 1: 131×12 at 212,1640 112" in rows
    assert "broken.png INVALID_FRAME 10" in rows
    assert max(len(line) for line in text.splitlines()) <= width


def test_what_failed_is_explained_below_each_reason_once() -> None:
    """Three hundred frames without a gateway are not three hundred sentences."""
    text = " ".join(shown([failed("a.png", "Why."), failed("b.png", "Why."), failed("c.png", "Else.")]).split())
    assert "INVALID_FRAME a.png and 1 more: Why." in text
    assert "INVALID_FRAME c.png: Else." in text
    assert text.endswith("3 frames, 0 OK, 0 NOT_OK, 0 NOT_DECIDABLE, 3 not evaluated")


def test_the_class_is_shown_where_there_are_several() -> None:
    """With one class its name says nothing; with two it is what one looks for."""
    assert "1: 131×12" in shown([outcome("a.png", "NOT_OK", defect("hole"))])
    several = shown([outcome("a.png", "NOT_OK", defect("hole")), outcome("b.png", "NOT_OK", defect("stain"))])
    assert "1: hole 131×12" in several
    assert "1: stain 131×12" in several


def test_the_class_of_a_frame_has_a_column_where_any_is_told() -> None:
    """Of recipes that tell none, nobody sees an empty one."""
    told = Outcome("a.png", 0.1, Inspection.of({**INSPECTION, "class": "loose [thread]"}))
    rows = [" ".join(line.split()) for line in shown([told, outcome("b.png"), failed("c.png")]).splitlines()]
    assert "frame evaluation score class defects ms" in rows
    assert "a.png OK 0.2500 loose [thread] 100" in rows
    assert "b.png OK 0.2500 112" in rows
    assert "class" not in shown([outcome("b.png")])


def test_labels_stand_beside_the_evaluations() -> None:
    """What each frame really is."""
    rows = [" ".join(line.split()) for line in shown(OUTCOMES[:2], 120, [False, True]).splitlines()]
    assert "Part0.jpg OK 0.2500 112 good" in rows
    assert "Part5.jpg NOT_OK 0.2500 3: 131×12 at 212,1640 112 defective" in rows


def test_a_single_frame_keeps_its_whole_name() -> None:
    """There is nothing to share."""
    assert f"{FOLDER}/kos01/Part0.jpg" in shown(OUTCOMES[:1], 120)


def test_why_nothing_could_be_decided_stands_below() -> None:
    """Once for all frames that it concerns: a picture that is too dark is no part that must be looked at."""
    dark = {**INSPECTION, "evaluation": "NOT_DECIDABLE", "reason": "PICTURE_TOO_DARK", "score": None}
    outcomes = [Outcome(name, 0.1, Inspection.of(dark)) for name in ("a.png", "b.png")]
    assert "NOT_DECIDABLE a.png and 1 more: PICTURE_TOO_DARK" in shown(outcomes)
    assert json.loads(json_line(outcomes[0]))["reason"] == "PICTURE_TOO_DARK"

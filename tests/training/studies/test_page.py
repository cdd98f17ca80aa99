from pathlib import Path

import pytest
from support.tiny_studies import MADE, MISSED, counted, result, run, study

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.evaluation.figures import Interval
from flawgate_training.studies import page, results
from flawgate_training.studies.provenance import Made
from flawgate_training.studies.results import Failure, Served, ServedFold, StudyResult
from flawgate_training.studies.schema import Study


def lines(folder: Path, *found: StudyResult, known: tuple[Study, ...] = ()) -> list[str]:
    """The page of these results."""
    for each in found:
        results.write(each, folder)
    return page.write(folder, known).read_text(encoding="utf-8").splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the results lie; the page lies beside."""
    made = tmp_path / "results"
    made.mkdir()
    return made


def test_a_missed_goal_stays_with_its_value(folder: Path) -> None:
    """The summary and the section tell the real errors of every seed, mean and spread, and that the goal is missed."""
    runs = (run(0, counted(0, 0, average_precision=1.0)), run(1, counted(1, 2, average_precision=0.99)))
    told = lines(folder, result(*runs))
    assert (
        "| [Tiny textures](#tiny) | 8 fresh frames | 1 FP + 2 FN | – | errors 0 / 3 (2 seeds) | errors ≤ 0 (floor 2) | "
        "**missed** with 1 of 2 seeds; **short of the floor** as well |"
    ) in told
    assert "| Paper x |  | 1 FP + 2 FN | – |  |  |" in told
    assert "| **Tiny network** | 0 | 0 FP + 0 FN | 1.0000 | 2 min |  |" in told
    assert "| **Tiny network** | 1 | 1 FP + 2 FN | 0.9900 | 2 min |  |" in told
    assert "| **Tiny network** | mean ± sd | 1.50 ± 2.12 | 0.9950 ± 0.0071 |  | over 2 seeds |" in told
    assert "make reproduce-tiny" in told
    assert "Of 1 goals, 0 are met, 1 is missed, 0 are not run." in told


def test_a_partial_study_says_what_was_not_run(folder: Path) -> None:
    """A seed that is missing has a row of its own, one that failed its reason, and the goal counts what was run."""
    found = result(run(0, counted(0, 0)), seeds=[0, 1, 2])
    failed = found.model_copy(
        update={"failures": (Failure(variant="tiny", seed=2, sentence="The loss is no number."),)}
    )
    told = lines(folder, failed)
    assert "| **Tiny network** | 1 | – | – |  | not run |" in told
    assert "| **Tiny network** | 2 | – | – |  | failed: The loss is no number. |" in told
    assert "**Not run**: 2 of 3 runs." in told
    assert ('**Goal**, for "Tiny network": errors ≤ 0 (floor 2) — met with the one seed run (2 not run).') in told


def test_generated_frames_are_called_synthetic(folder: Path) -> None:
    """In the summary and in the section."""
    told = lines(folder, result(run(0, counted(0, 0)), synthetic=True))
    assert any(line.startswith("| [Tiny textures](#tiny) (*synthetic*) |") for line in told)
    assert "Does it run? Generated frames: these figures are *synthetic*." in told


def test_remarks_stand_below_the_figures(folder: Path) -> None:
    """What a reader must know to trust the figures is a paragraph of its own."""
    told = lines(folder, result(run(0, counted(0, 0)), remarks=("Settled with a look at fold 0.",)))
    place = told.index("Settled with a look at fold 0.")
    assert [told[place - 1], told[place + 1]] == ["", ""]


def test_a_study_without_a_result_is_not_run(folder: Path) -> None:
    """It stands on the page all the same."""
    told = lines(folder, known=(study(),))
    assert (
        "| [Tiny textures](#tiny) | 8 fresh frames | 1 FP + 2 FN | – | not run | errors ≤ 0 (floor 2) | not run |"
    ) in told
    assert "**Not run**: 2 of 2 runs." in told


def test_results_stand_under_the_studies_of_today(folder: Path) -> None:
    """A title that was changed since the result was gathered is the new one, and studies stand by their place."""
    first = study("first", place=2, title="First")
    told = lines(folder, result(run(0, counted(0, 0))), known=(study(place=3, title="Other title"), first))
    assert [line for line in told if line.startswith("## ")][1:3] == ["## First", "## Other title"]


def test_a_wrong_frame_is_explained(folder: Path) -> None:
    """Score, threshold, margin, the label's area, what the map shows, the verdict and somebody's sentence."""
    (folder / "notes.yaml").write_text('tiny: {"part|7": A hairline at the rim.}', encoding="utf-8")
    told = lines(folder, result(run(0, counted(0, 1), wrong=[MISSED])))
    assert "**Judged wrongly** by tiny, seed 0 (1 of 8 frames):" in told
    assert (
        "| part\\|7 | defective, missed | 0.8462 | 0.9 | -0.0538 | 204 | 0.930 | 0.110 | "
        "Seen, but the score stays below 0.9. A hairline at the rim. |"
    ) in told


def test_few_frames_leave_room_for_doubt(folder: Path) -> None:
    """Intervals of the figures shown, and of precision and recall; one that is a point says nothing."""
    found = {"recall": Interval(low=0.93, high=1.0), "auroc": Interval(low=0.9, high=1.0)}
    found["average_precision"] = Interval(low=1.0, high=1.0)
    told = lines(folder, result(run(0, counted(0, 0), intervals=found)))
    assert '**95 % intervals**, for "Tiny network", its first run: recall 0.9300 to 1.0000.' in told


def test_many_wrong_frames_are_counted(folder: Path) -> None:
    """The page shows the worst, and says how many more there are and where."""
    wrong = [MISSED.model_copy(update={"name": f"frame{number}"}) for number in range(page.WRONG_SHOWN + 3)]
    told = lines(folder, result(run(0, counted(0, len(wrong)), wrong=wrong)))
    assert "Pictures of them lie in `runs/tiny/wrong/` once the study was carried out here." in told
    assert "... and 3 more, in `docs/results/tiny.json`." in told


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (MADE, "`0123456789`, 2026-11-21"),
        (MADE.model_copy(update={"clean": False}), "`0123456789` with uncommitted changes, 2026-11-21"),
        (MADE.model_copy(update={"commit": None, "clean": None}), "no commit, 2026-11-21"),
    ],
)
def test_runs_tell_where_they_come_from(folder: Path, made: Made, told: str) -> None:
    """Device, commit, date and machine; changes that no commit holds are not hidden."""
    expected = f"Trained on the CPU, 1 thread; gathered at {told}; Some CPU, 2 cores, 8 GiB; torch 2.15.0."
    assert expected in lines(folder, result(run(0, counted(0, 0), made=made)))


def test_served_answers_stand_beside_the_evaluated_ones(folder: Path) -> None:
    """Errors by both ways, pooled, the largest difference of a score, and every frame that differs."""
    one = ServedFold(
        name="fold0", frames=5, evaluated=counted(0, 1), served=counted(0, 1), largest_shift=1e-6, differing=()
    )
    other = ServedFold(
        name="fold1", frames=6, evaluated=counted(0, 0), served=counted(1, 0), largest_shift=0.25, differing=("kos/1",)
    )
    served = Served(run="runs/x", folds=(one, other), made=MADE)
    (folder / results.SERVED).write_text(served.model_dump_json(), encoding="utf-8")
    told = lines(folder)
    assert "| fold1 | 6 | 0 FP + 0 FN | 1 FP + 0 FN | 2.5e-01 | kos/1 |" in told
    assert "| all | 11 | 0 FP + 1 FN | 1 FP + 1 FN | 2.5e-01 | 1 |" in told
    assert any(line.endswith("**Some evaluations differ.**") for line in told)


def test_the_papers_figures_are_drawn_again(folder: Path) -> None:
    """One line per network over the accuracies that were run, of the first seed alone, as SVG files."""
    shares = {"f1": 0.9, "precision": 0.9, "recall": 0.9}
    runs = [run(0, counted(dilation, 1, **shares), dilation=dilation) for dilation in (1, 9)]
    changes = {"seeds": [0, 1], "place": 1}
    of = study("ksdd_annotations", **changes)
    told = lines(folder, result(*runs, **changes).model_copy(update={"study": of}))
    assert sum("](results/annotations_" in line for line in told) == 5
    picture = (folder / "annotations_false_positives.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg xmlns=")
    assert picture.count("<polyline") == 4
    assert "DeepLabV3+" in picture
    another = run(1, counted(3, 1, **shares), dilation=9)
    lines(folder, result(*runs, another, **changes).model_copy(update={"study": of}))
    assert (folder / "annotations_false_positives.svg").read_text(encoding="utf-8") == picture


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    """A result of another version, and notes of another form, are told by their file."""
    (folder / "tiny.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidParameter, match=r"tiny\.json holds no result"):
        page.write(folder, [])
    (folder / "tiny.json").unlink()
    (folder / "notes.yaml").write_text("- a list", encoding="utf-8")
    with pytest.raises(InvalidParameter, match=r"notes\.yaml cannot be read"):
        page.write(folder, [])

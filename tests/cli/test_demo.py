from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from support.scripted_gateway import INSPECTION
from support.tiny_repository import write_spot

from flawgate_cli.app import main
from flawgate_cli.demo.frames import LabelledFrame, generated_textures, kolektor_sdd
from flawgate_cli.demo.report import Report
from flawgate_cli.inspecting.sending import Outcome
from flawgate_client import Inspection
from flawgate_contracts.errors import InvalidParameter
from flawgate_imaging import decoding, textures
from flawgate_imaging.encoding import encode_jpeg, encode_png

GREY = np.full((40, 30), 99, np.uint8)


def report_of(*pairs: tuple[bool, str | None], seconds: float = 2.0) -> Report:
    """Frames with what they are and what came of them; the n-th took n × 10 ms."""
    frames = [LabelledFrame(f"{n}.png", b"", defective) for n, (defective, _) in enumerate(pairs)]
    outcomes = [
        Outcome(frame.name, 0.01 * (n + 1), Inspection.of({**INSPECTION, "evaluation": evaluation}))
        if evaluation
        else Outcome(frame.name, 0.01 * (n + 1), code="UNAVAILABLE", detail="Not now.")
        for n, (frame, (_, evaluation)) in enumerate(zip(frames, pairs, strict=True))
    ]
    return Report("texture", frames, outcomes, seconds)


def said_by(report: Report) -> str:
    """What a terminal shows of a report."""
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        report.print_to(console)
    return capture.get()


GOOD, BAD = (False, "OK"), (True, "NOT_OK")


def test_good_and_bad_are_held_against_the_labels() -> None:
    """Every pair of label and evaluation is counted; a doubtful one agrees with neither."""
    report = report_of(GOOD, GOOD, BAD, (True, "OK"), (False, "NOT_OK"), (True, "NOT_DECIDABLE"))
    assert report.confusion == {
        (False, "OK"): 2,
        (False, "NOT_OK"): 1,
        (True, "OK"): 1,
        (True, "NOT_OK"): 1,
        (True, "NOT_DECIDABLE"): 1,
    }
    assert report.agreement == 0.5


@pytest.mark.parametrize(
    ("pairs", "faults"),
    [
        ([GOOD] * 19 + [BAD], []),
        ([GOOD] * 18 + [BAD, (True, "OK")], []),
        ([GOOD] * 17 + [(False, "NOT_OK"), BAD, (True, "OK")], ["90.0% of the evaluations agree"]),
        ([GOOD] * 19 + [(False, None)], ["1 of 20 frames were not evaluated"]),
    ],
    ids=["all right", "just enough", "too few", "one lost"],
)
def test_what_is_wrong_is_said(pairs: list[tuple[bool, str | None]], faults: list[str]) -> None:
    """A frame without evaluation is a fault, however well the rest agrees."""
    said = report_of(*pairs).faults()
    assert len(said) == len(faults)
    assert all(expected in sentence for expected, sentence in zip(faults, said, strict=True))


def test_times_are_of_the_frames_that_were_evaluated() -> None:
    """p50 and p95 are those of 10, 20, ... 200 ms; the frames a second are those with an evaluation."""
    assert "p50 105 ms, p95 190 ms · throughput 10.0 frames/s" in said_by(report_of(*[GOOD] * 20))
    assert "throughput 0.5 frames/s" in said_by(report_of(GOOD, (False, None)))


def test_a_run_without_any_evaluation_can_be_shown() -> None:
    """Nothing is divided by nothing."""
    assert "no frame was evaluated" in said_by(report_of((False, None), (True, None)))


def test_textures_are_good_and_bad_in_turn_and_of_every_kind() -> None:
    """Unseen in training, the same at every run."""
    count = 2 * len(textures.INSPECTED)
    frames = list(generated_textures(count))
    assert [frame.defective for frame in frames] == [False, True] * (count // 2)
    assert {frame.name.rsplit("_", 1)[0] for frame in frames} == set(textures.INSPECTED)
    assert decoding.decode(frames[0].data).shape == (512, 512)
    assert frames[0] == next(generated_textures(1))


@pytest.fixture
def commutators(tmp_path: Path) -> Path:
    """Two bad and ten good ones in KolektorSDD's layout."""
    for number in range(12):
        folder = tmp_path / f"kos{number // 4 + 1:02d}"
        folder.mkdir(exist_ok=True)
        label = np.zeros_like(GREY)
        label[5, 5] = 255 if number in (3, 7) else 0
        (folder / f"Part{number % 4}.jpg").write_bytes(encode_jpeg(GREY, 90))
        (folder / f"Part{number % 4}_label.png").write_bytes(encode_png(label))
    return tmp_path


@pytest.mark.parametrize(
    ("count", "expected"), [(None, (12, 2)), (4, (4, 2)), (6, (6, 2)), (1, (1, 0)), (100, (12, 2))]
)
def test_commutators_are_chosen_good_and_bad(commutators: Path, count: int | None, expected: tuple[int, int]) -> None:
    """Half of those asked for are bad as far as there are; their names say the folder."""
    frames = kolektor_sdd(commutators, count)
    assert (len(frames), sum(frame.defective for frame in frames)) == expected
    assert [frame.name for frame in frames] == sorted(frame.name for frame in frames)
    assert frames[0].name.startswith("kos01/Part")


def test_a_folder_without_labels_is_no_kolektor_sdd(commutators: Path) -> None:
    """Said before the cluster is started."""
    (commutators / "kos02" / "Part1_label.png").unlink()
    with pytest.raises(InvalidParameter, match=r"Part1\.jpg has no label beside it"):
        kolektor_sdd(commutators, None)


def test_the_demo_says_when_the_evaluations_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Start, inspect, overlays, table, stop: with a recipe that knows nothing of textures the exit status is 1."""
    write_spot(tmp_path / "repository", name="texture")
    options = {
        "--model-repository": tmp_path / "repository",
        "--model-server": "onnxruntime",
        "--out": tmp_path / "out",
    }
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--textures", "4", *(str(part) for option in options.items() for part in option)])
    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "of the evaluations agree with the labels; at least 95% are expected." in " ".join(said.split())
    assert len(list((tmp_path / "out" / "texture").glob("*.png"))) == 4
    assert "gateway |" in (tmp_path / "out" / "cluster.log").read_text("utf-8")

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.fake_judges import FakeRun, fake_run
from support.tiny_training import experiment, item, samples

from flawgate_contracts.errors import FlawgateError, InvalidDataset, InvalidParameter
from flawgate_training.datasets.samples import Preparation, Samples
from flawgate_training.evaluation import judging
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.predictions import Judged
from flawgate_training.experiment.schema import Experiment, Task

NONE = Samples((), Preparation(experiment().steps), memory_bytes=0)


def frames(numbers: range, labels: tuple[int, ...] = (0, 1, 0)) -> Samples:
    """Drawn frames of these numbers; labels in turn."""
    items = [item(number, labels[number % len(labels)]) for number in numbers]
    return Samples(items, Preparation(experiment().steps), memory_bytes=1 << 20)


VALIDATION, TEST = frames(range(6)), frames(range(10, 22))


@pytest.mark.parametrize("task", ["cascade", "segmentation", "anomaly"])
def test_every_task_is_judged(tmp_path: Path, task: Task) -> None:
    """A network that sees every defect misses none, at a threshold from validation frames."""
    report = judging.evaluate_run(fake_run(task, threshold="validation"), tmp_path, validation=VALIDATION, test=TEST)
    assert report.pooled is not None
    assert (report.pooled.frames, report.pooled.recall, report.pooled.auroc) == (12, 1.0, 1.0)
    assert report.images is not None
    assert report.images.accuracy > report.images.majority_accuracy == 2 / 3
    assert (report.segmentation is None) == (task == "anomaly")
    assert report.pixels is not None


def test_a_classification_is_judged(tmp_path: Path) -> None:
    """Its classes are told apart, and good from defective."""
    report = judging.evaluate_run(
        fake_run("classification"), tmp_path, validation=NONE, test=frames(range(9), (0, 1, 2))
    )
    assert report.images is not None
    assert [(row.name, row.frames) for row in report.images.classes] == [("background", 3), ("spot", 3), ("stripe", 3)]
    assert report.pooled is not None
    assert (report.pooled.true_positives, report.segmentation, report.tuned) == (6, None, None)


def test_thresholds_beside_each_other(tmp_path: Path) -> None:
    """Figures at the threshold set, at the best on validation frames, and at 0.9."""
    report = judging.evaluate_run(fake_run("cascade", threshold=0.3), tmp_path, validation=VALIDATION, test=TEST)
    assert report.pooled is not None
    assert report.tuned is not None
    assert report.fixed is not None
    assert (report.pooled.threshold, report.fixed.threshold) == (0.3, 0.9)
    assert 0.3 < report.tuned.threshold < 0.9


def test_files(tmp_path: Path) -> None:
    """What is written is what is read back."""
    report = judging.evaluate_run(fake_run("cascade"), tmp_path, validation=VALIDATION, test=TEST)
    assert judging.read_report(tmp_path / judging.REPORT) == report
    assert Judged.load(tmp_path).digest == report.digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evaluation.json", "predictions.json"]


def test_predictions_are_taken_again(tmp_path: Path) -> None:
    """The same run on the same frames is not computed twice."""
    run = fake_run("cascade")
    first = judging.evaluate_run(run, tmp_path, validation=VALIDATION, test=TEST)
    assert run.network.frames == 18
    assert judging.evaluate_run(run, tmp_path, validation=VALIDATION, test=TEST) == first
    assert run.network.frames == 18


def other_weights(run: FakeRun) -> FakeRun:
    """The same run with another weight."""
    with torch.no_grad():
        for weight in run.network.parameters():
            weight.add_(1)
    return run


def other_settings(run: FakeRun) -> FakeRun:
    """The same network, its scores made otherwise."""
    plain = run.experiment.model_dump() | {"judging": {"top_share": 0.5, "threshold": 0.5}}
    return FakeRun(Experiment.model_validate(plain), run.classes, run.network)


@pytest.mark.parametrize("change", [other_weights, other_settings])
def test_stale_predictions_are_not_taken(tmp_path: Path, change: object) -> None:
    """Predictions of other weights or another experiment are made anew."""
    run = fake_run("cascade")
    judging.judge(run, tmp_path, validation=NONE, test=TEST)
    judging.judge(change(run), tmp_path, validation=NONE, test=TEST)  # type: ignore[operator] # one of the two above
    assert run.network.frames == 24


@pytest.mark.parametrize("text", ["[]", "{", '{"digest": "0"}'])
def test_unreadable_predictions_are_not_taken(tmp_path: Path, text: str) -> None:
    """What another version left there is replaced."""
    (tmp_path / "predictions.json").write_text(text)
    judging.judge(fake_run("cascade"), tmp_path, validation=NONE, test=TEST)
    assert len(Judged.load(tmp_path).test) == 12


def test_other_frames_are_judged_anew(tmp_path: Path) -> None:
    """Predictions of other frames are of no use."""
    run = fake_run("cascade")
    judging.judge(run, tmp_path, validation=NONE, test=TEST)
    assert judging.judge(run, tmp_path, validation=NONE, test=VALIDATION).test[0].name == "frame0"


def refused(tmp_path: Path, validation: Samples, test: Samples, **run: object) -> FlawgateError:
    """What a judgement is refused with."""
    with pytest.raises(FlawgateError) as caught:
        judging.evaluate_run(
            fake_run("cascade", **run),  # type: ignore[arg-type] # settings of a run
            tmp_path,
            validation=validation,
            test=test,
        )
    return caught.value


def test_validation_is_never_the_test(tmp_path: Path) -> None:
    """A frame in both sets is refused by name, before anything is judged."""
    error = refused(tmp_path, frames(range(5)), frames(range(4, 9)))
    assert isinstance(error, InvalidDataset)
    assert "The frame frame4 is in the validation set and in the test set" in error.message
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_judge_upon(tmp_path: Path) -> None:
    """A run that learned from everything cannot be judged."""
    assert "learned from every frame" in refused(tmp_path, NONE, NONE).message


def test_threshold_without_validation_frames(tmp_path: Path) -> None:
    """A threshold from validation frames needs some."""
    message = refused(tmp_path, NONE, TEST, threshold="validation").message
    assert "these 0 do not hold both good and defective ones; make data.split.validation larger" in message


def test_one_kind_of_frame(tmp_path: Path) -> None:
    """Of good frames alone, an anomaly's figures say nothing."""
    with pytest.raises(InvalidDataset, match="All 4 test frames are good"):
        judging.evaluate_run(fake_run("anomaly"), tmp_path, validation=NONE, test=frames(range(4), (0,)))


def folds(tmp_path: Path, **first: object) -> list[Path]:
    """Two judged folds, four and five frames, in folders of their own."""
    made = []
    for fold in range(2):
        data = {"kind": "kolektor_sdd", "split": {"folds": 2, "fold": fold, "validation": 0}}
        run = fake_run("cascade")
        described = Experiment.model_validate(
            run.experiment.model_dump() | {"data": data} | (first if not fold else {})
        )
        folder = tmp_path / f"fold{fold}"
        folder.mkdir()
        test = frames(range(4)) if fold == 0 else frames(range(4, 9))
        judging.evaluate_run(FakeRun(described, run.classes, run.network), folder, validation=NONE, test=test)
        made.append(folder)
    return made


def test_folds_are_pooled(tmp_path: Path) -> None:
    """Figures of each fold, and of all frames together."""
    report = judging.pool(folds(tmp_path), tmp_path)
    assert [fold.frames for fold in report.folds] == [4, 5]
    assert report.pooled is not None
    assert (report.pooled.frames, report.pooled.threshold) == (9, 0.5)
    assert report.protocol.startswith(
        "2-fold cross-validation, split by part (seed 0): each of 9 frames is judged once"
    )
    assert judging.read_report(tmp_path / judging.REPORT) == report


def test_folds_in_any_order(tmp_path: Path) -> None:
    """However the folders are ordered (fold10 before fold2, say), the report is the same."""
    first, second = folds(tmp_path)
    assert judging.pool([second, first], tmp_path) == judging.pool([first, second], tmp_path)


def test_a_fold_counts_once(tmp_path: Path) -> None:
    """The same fold twice is refused by its frame."""
    first, _ = folds(tmp_path)
    with pytest.raises(InvalidDataset, match="The frame frame0 is in two test sets"):
        judging.pool([first, first], tmp_path)


def test_folds_of_one_experiment(tmp_path: Path) -> None:
    """Runs of different experiments are not folds."""
    with pytest.raises(InvalidParameter, match="are not folds of one experiment"):
        judging.pool(folds(tmp_path, seed=7), tmp_path)


def test_folds_must_be_judged(tmp_path: Path) -> None:
    """A run without predictions says which one it is."""
    with pytest.raises(InvalidParameter, match="is not judged yet; run `flawgate evaluate` on it"):
        judging.pool([tmp_path], tmp_path)


def test_no_report(tmp_path: Path) -> None:
    """A file that is no report says so."""
    with pytest.raises(InvalidParameter, match="is no evaluation that `flawgate evaluate` wrote"):
        judging.read_report(tmp_path / "evaluation.json")


def test_shipped_cards_still_hold_reports() -> None:
    """The evaluations in the model cards that are shipped can be read."""
    cards = sorted((Path(__file__).parents[3] / "model_repository").glob("*/*/card.json"))
    reports = [Report.model_validate(json.loads(card.read_bytes())["evaluation"]) for card in cards]
    assert len(reports) >= 1
    assert all(report.figures() for report in reports)


def test_samples_of_one_part_stay_together(tmp_path: Path) -> None:
    """A part in both sets is refused too, under whatever names its frames go."""
    renamed = [replace(item(number, number % 2), name=f"again{number}") for number in (1, 2)]
    again = Samples(renamed, Preparation(experiment().steps), memory_bytes=0)
    assert "The part frame1 is in the validation set" in refused(tmp_path, samples((0, 1, 0)), again).message

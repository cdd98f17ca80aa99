import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from support.fake_judges import FakeRun, fake_run
from support.tiny_training import experiment, item

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.architectures import registry
from flawgate_training.datasets.about import About
from flawgate_training.datasets.samples import Preparation, Samples
from flawgate_training.evaluation import judging
from flawgate_training.experiment.schema import Experiment, Task
from flawgate_training.learning.curves import CURVES
from flawgate_training.report import page
from flawgate_training.report.cases import PER_SECTION

ABOUT = About("Drawn frames", "Drawn", "Made for tests.", "Apache-2.0", "No <b>further</b> condition.")
EVIL = "<script>alert('x')</script>"
_VOID = {"meta", "img", "line", "rect", "circle", "polyline", "br", "hr", "link", "input"}


class Parsed(HTMLParser):
    """A page as a browser reads it; unclosed or crossed tags are errors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See the class."""
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "srcset"}]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself."""
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See the class."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """See the class."""
        self.text.append(data)

    @property
    def words(self) -> str:
        """All text, with single spaces."""
        return " ".join(" ".join(self.text).split())


def frames(labels: tuple[int, ...], first: int = 0, name: str = "frame") -> Samples:
    """Drawn frames."""
    items = [replace(item(first + place, label), name=f"{name}{first + place}") for place, label in enumerate(labels)]
    return Samples(items, Preparation(experiment().steps), memory_bytes=0)


NONE = frames(())


def written(folder: Path, run: FakeRun, test: Samples, *, pictures: bool = True) -> Parsed:
    """The page of a run, judged on these frames."""
    judging.evaluate_run(run, folder, validation=NONE, test=test)
    path = page.write(folder, [page.Subject(folder, run, test if pictures else None)], ABOUT)
    return Parsed(path.read_text(encoding="utf-8"))


def classifier() -> FakeRun:
    """An untrained network of paper c, of which Grad-CAM knows the layers."""
    plain = fake_run("classification").experiment.model_dump() | {"network": {"architecture": "baseline_cnn"}}
    described = Experiment.model_validate(plain)
    torch.manual_seed(0)
    classes = ("good", "spot", "stripe")
    return FakeRun(described, classes, registry.build(described, classes).eval())


@pytest.mark.parametrize(
    ("task", "kinds", "headings"),
    [
        ("cascade", False, ["Scores around the threshold", "Precision and recall", "No defect was missed", "Masks"]),
        ("segmentation", False, ["Scores around the threshold", "No false alarm: the closest calls", "Masks"]),
        ("segmentation", True, ["Classes", "Every frame has the right class: the worst masks", "stripe"]),
        ("anomaly", False, ["Receiver operating characteristic", "residual above the threshold"]),
    ],
)
def test_every_task_has_its_page(tmp_path: Path, task: Task, headings: list[str], *, kinds: bool) -> None:
    """Figures, charts and pictures of each task, in well-formed HTML."""
    labels = (0, 1, 0, 1, 2, 0) if kinds else (0, 1, 0, 1, 0)
    parsed = written(tmp_path, fake_run(task, kinds=kinds, threshold=0.1), frames(labels))
    for heading in ["How it was judged", "Frames to look at", "To do it again", *headings]:
        assert heading in parsed.words
    assert parsed.seen.count("svg") == 3
    assert "img" in parsed.seen


def test_a_classification_shows_where_it_looked(tmp_path: Path) -> None:
    """A classifier's frames come with Grad-CAM."""
    parsed = written(tmp_path, classifier(), frames((0, 1, 2, 0, 1, 2)))
    assert "where the network looked (Grad-CAM)" in parsed.words
    assert "Confusion of frames" in parsed.words


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """Every picture is inside the page, there is no script, and no address leads anywhere."""
    parsed = written(tmp_path, fake_run("cascade"), frames((0, 1, 0, 1)))
    assert {address.split(",")[0] for address in parsed.addresses} == {"data:image/jpeg;base64"}
    assert not {"script", "link", "iframe", "object"} & set(parsed.seen)
    text = (tmp_path / page.PAGE).read_text(encoding="utf-8")
    assert re.findall(r"https?://|url\((?!#)|@import", text) == []


def test_pictures_are_bounded(tmp_path: Path) -> None:
    """However many frames are wrong, a few of each kind are shown, three pictures each."""
    parsed = written(tmp_path, fake_run("cascade", threshold=1.0), frames((0, 1) * 20))
    assert parsed.seen.count("img") == 2 * PER_SECTION * 3
    assert (tmp_path / page.PAGE).stat().st_size < 2_000_000


def test_names_are_text(tmp_path: Path) -> None:
    """A frame, a class, a title and a licence notice that look like HTML are shown as they are."""
    run = classifier()
    described = run.experiment.model_copy(update={"title": EVIL})
    evil = FakeRun(described, ("good", EVIL, "stripe"), run.network)
    parsed = written(tmp_path, evil, frames((0, 1, 2, 1), name=EVIL))
    assert {"script", "b"} & set(parsed.seen) == {"b"}
    assert parsed.words.count(EVIL) > 4
    assert ABOUT.notice in parsed.words


def test_without_pictures(tmp_path: Path) -> None:
    """Where the frames are not at hand, the page has its figures."""
    parsed = written(tmp_path, fake_run("cascade"), frames((0, 1, 0, 1)), pictures=False)
    assert "img" not in parsed.seen
    assert "2 of 2 defective frames found, no false alarm on 2 good ones." in parsed.words


def test_curves_and_facts(tmp_path: Path) -> None:
    """Training curves, time and versions of the run's folder are on the page."""
    epoch = {"loss": 0.5, "score": 0.25, "learning_rate": 0.1, "seconds": 1.0, "waited": 0.0}
    (tmp_path / CURVES).write_text(json.dumps({"segmentation": [epoch | {"epoch": 1}, epoch | {"epoch": 2}]}))
    (tmp_path / "training.json").write_text(json.dumps({"seconds": 90.0, "versions": {"torch": "9.9"}}))
    parsed = written(tmp_path, fake_run("segmentation"), frames((0, 1, 0, 1)))
    for told in ("Segmentation: training loss", "Segmentation: validation score", "1.5 minutes", "torch 9.9"):
        assert told in parsed.words


def test_the_trivial_predictor_is_named(tmp_path: Path) -> None:
    """A classifier that tells nothing apart is said to be no better than always answering the commonest class."""
    parsed = written(tmp_path, classifier(), frames((1, 1, 1, 2)))
    assert "these frames do not show that the network is better" in parsed.words
    assert "Always answering “spot” is right for 3 of 4" in parsed.words


def test_a_cross_validation(tmp_path: Path) -> None:
    """All folds on one page: pooled figures, each fold's, and frames of both."""
    subjects = []
    for fold in range(2):
        data = {"kind": "kolektor_sdd", "split": {"folds": 2, "fold": fold, "validation": 0}}
        run = fake_run("cascade")
        described = Experiment.model_validate(run.experiment.model_dump() | {"data": data})
        folder, test = tmp_path / f"fold{fold}", frames((0, 1, 0, 1), first=10 * fold)
        folder.mkdir()
        fold_run = FakeRun(described, run.classes, run.network)
        judging.evaluate_run(fold_run, folder, validation=NONE, test=test)
        subjects.append(page.Subject(folder, fold_run, test))
    judging.pool([subject.folder for subject in subjects], tmp_path)
    parsed = Parsed(page.write(tmp_path, subjects, ABOUT).read_text(encoding="utf-8"))
    for told in ("2-fold cross-validation", "fold 1 alone", "frame1", "frame11"):
        assert told in parsed.words


def test_a_run_that_was_trained_again(tmp_path: Path) -> None:
    """Figures of other weights are not shown beside this network's pictures."""
    run, test = fake_run("cascade"), frames((0, 1))
    judging.evaluate_run(run, tmp_path, validation=NONE, test=test)
    with torch.no_grad():
        for weight in run.network.parameters():
            weight.add_(1)
    with pytest.raises(InvalidParameter, match="has changed since it was judged; run `flawgate evaluate` on it again"):
        page.write(tmp_path, [page.Subject(tmp_path, run, test)], ABOUT)


def test_figures_of_other_predictions(tmp_path: Path) -> None:
    """Nor is a report beside predictions that it was not made of."""
    run, test = fake_run("cascade"), frames((0, 1))
    report = judging.evaluate_run(run, tmp_path, validation=NONE, test=test)
    judging.save_report(report.model_copy(update={"digest": "another"}), tmp_path)
    with pytest.raises(InvalidParameter, match=r"evaluation.json is not of these predictions"):
        page.write(tmp_path, [page.Subject(tmp_path, run, test)], ABOUT)


def test_an_unjudged_run(tmp_path: Path) -> None:
    """A run must be judged first, and the sentence says so."""
    with pytest.raises(InvalidParameter, match="`flawgate evaluate`"):
        page.write(tmp_path, [page.Subject(tmp_path, fake_run("cascade"), None)], ABOUT)

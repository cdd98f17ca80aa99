from pathlib import Path
from typing import Any

import pytest
from support.tiny_studies import study, write_study

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.studies import listing, loading
from flawgate_training.studies.schema import Goal

NAMES = loading.names()


@pytest.mark.parametrize("name", NAMES)
def test_every_study_can_be_carried_out(name: str) -> None:
    """Its experiments exist and take their settings, and each run of it bears its seed."""
    found = loading.load(name)
    for variant in found.variants:
        assert [loading.experiment_of(variant, seed).seed for seed in found.seeds] == list(found.seeds)


def test_every_study_has_its_place() -> None:
    """No two studies claim the same place on the page."""
    places = [each.place for each in loading.load_all()]
    assert sorted(set(places)) == places


def test_the_list_names_every_study(capsys: pytest.CaptureFixture[str]) -> None:
    """`flawgate reproduce --list` shows them all."""
    listing.show()
    told = capsys.readouterr().out
    assert [name for name in NAMES if name not in told] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"qestion": "?"}, "tiny.yaml: qestion: unknown key."),
        ({"seeds": [0, 0]}, "tiny.yaml: study: two seeds are the same."),
        ({"headline": "other"}, "tiny.yaml: study: the headline other is none of the variants."),
        ({"figures": ["errrors"]}, "tiny.yaml: figures.0: Input should be 'errors'"),
        ({"goals": [{"figure": "errors", "at_least": 1}]}, "tiny.yaml: goals.0: errors counts errors: give at_most"),
        ({"goals": [{"figure": "auroc", "at_most": 1}]}, "tiny.yaml: goals.0: more is better for auroc"),
        (
            {"variants": [{"name": "tiny", "title": "x", "experiment": "textur"}]},
            "tiny.yaml, variant tiny: There is no experiment 'textur'; did you mean texture",
        ),
        (
            {"variants": [{"name": "tiny", "title": "x", "experiment": "texture", "settings": ["data.trian=8"]}]},
            "tiny.yaml, variant tiny: texture.yaml: data.trian: unknown key (did you mean train?).",
        ),
    ],
)
def test_a_wrong_study_is_told_by_key(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    """File, key and what is wrong, in one sentence."""
    with pytest.raises(InvalidExperiment) as caught:
        loading.load("tiny", write_study(tmp_path / "studies", **changes))
    assert caught.value.message.startswith(sentence)


def test_a_file_that_is_no_study_is_told(tmp_path: Path) -> None:
    """Broken YAML, and YAML that is no mapping, are named."""
    (tmp_path / "broken.yaml").write_text("title: [", encoding="utf-8")
    (tmp_path / "list.yaml").write_text("- title", encoding="utf-8")
    for name, sentence in (("broken", "is no YAML"), ("list", "holds no mapping")):
        with pytest.raises(InvalidExperiment, match=sentence):
            loading.load(name, tmp_path)


def test_an_unknown_study_names_the_nearest() -> None:
    """A slip of the pen is answered with the name that was meant."""
    with pytest.raises(InvalidExperiment, match="There is no study 'kssd'; did you mean ksdd"):
        loading.load("kssd")


def test_a_perfect_ranking_meets_its_goal() -> None:
    """Single precision sums a perfect average precision to a little less than 1, which is no error."""
    goal = Goal(figure="average_precision", at_least=1.0)
    assert goal.meets(0.99999988)
    assert not goal.meets(0.9999)


def test_a_count_has_a_floor_above_its_goal() -> None:
    """Two errors miss a goal of none, but keep a floor of two."""
    goal = study().goals[0]
    assert (goal.meets(0), goal.meets(2), goal.meets(2, floor=True), goal.meets(3, floor=True)) == (
        True,
        False,
        True,
        False,
    )

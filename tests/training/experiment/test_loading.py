from pathlib import Path

import pytest
import yaml

from flawgate_contracts.errors import InvalidExperiment
from flawgate_contracts.recipe import QualityLimits
from flawgate_training.experiment import loading
from flawgate_training.experiment.data import ImageMaskFolderData, KolektorData, Split
from flawgate_training.experiment.part import Part
from flawgate_training.experiment.schema import STAGES, Experiment


def written(folder: Path, name: str, text: str) -> str:
    """A file of one's own; its path as the command line gives it."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", loading.names())
def test_every_experiment_is_complete(name: str) -> None:
    """Each file under experiments/ describes a whole run under its own name, with the stages of its task."""
    experiment = loading.load(name)
    assert experiment.name == name
    assert [title for title in experiment.stages if title != "refinement"] == [
        title for title in STAGES[experiment.task] if title != "refinement"
    ]


@pytest.mark.parametrize("name", loading.names())
def test_a_run_keeps_all_that_defines_it(name: str) -> None:
    """What a run saves reads back as the same experiment, as JSON and as YAML."""
    experiment = loading.load(name)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment
    assert loading.validated({**yaml.safe_load(loading.as_yaml(experiment)), "name": name}, source=name) == experiment


def test_every_paper_has_its_experiments() -> None:
    """Paper a: 12 networks; b: three, read in two ways and in folds; c: four, two tasks; d: nine; e: two data sets."""
    papers: list[str | None] = [loading.load(name).paper for name in loading.names()]
    assert {paper: papers.count(paper) for paper in "abcde"} == {"a": 12, "b": 9, "c": 8, "d": 9, "e": 2}


def test_every_field_says_what_it_is() -> None:
    """Each key of the description has one sentence, or a type that has one."""
    parts = {"kind", "split", "dilation", "network", "data", "judging", "machine", "loss", "augmentation", "optimiser"}

    def silent(cls: type[Part]) -> list[str]:
        return [name for name, field in cls.model_fields.items() if not field.description and name not in parts]

    assert {cls.__name__: silent(cls) for cls in Part.__subclasses__() if silent(cls)} == {}


def test_paper_preset_follows_paper_d() -> None:
    """Paper d, section 3: Adam at 0.01, one frame a step, both stages; ours falls to zero."""
    paper, stable = loading.load("commutator_paper"), loading.load("commutator")
    for stage in paper.stages.values():
        assert (stage.optimiser, stage.learning_rate, stage.schedule, stage.batch_size) == ("adam", 0.01, "constant", 1)
        assert stage.sampler == "alternate"
    assert {stage.schedule for stage in stable.stages.values()} == {"cosine"}


def test_annotation_accuracies() -> None:
    """Paper d, figure 3: original labels, and dilated by 5, 9, 13 and 15."""
    names = ["commutator_original", "commutator_dilated_5", "commutator", "commutator_dilated_13"]
    found = [getattr(loading.load(name).data, "dilation", None) for name in [*names, "commutator_dilated_15"]]
    assert found == [1, 5, 9, 13, 15]


def test_paper_b_s_slices() -> None:
    """The network sees slices of 512×64; what the steps prepare is the whole frame."""
    experiment = loading.load("dagm_custom_unet")
    assert (experiment.input.height, experiment.input.width) == (512, 64)
    assert (experiment.prepared.height, experiment.prepared.width) == (512, 512)


def test_settings_change_single_values() -> None:
    """`--set` reaches any depth, reads YAML values and makes mappings that are not there."""
    settings = ["stages.segmentation.epochs=3", "data.split.fold=1", "network.options={rectify_map: false}", "seed=7"]
    experiment = loading.load("commutator", settings)
    assert experiment.stages["segmentation"].epochs == 3
    assert experiment.data == KolektorData(dilation=9, split=Split(folds=3, fold=1, validation=0))
    assert experiment.network.options == {"rectify_map": False}
    assert experiment.seed == 7


def test_own_limits_of_quality_are_kept_and_none_leave_no_trace(tmp_path: Path) -> None:
    """A run is known by a digest of its description, so those from before limits must be described as they were."""
    own = written(tmp_path, "mine", "extends: commutator\ntitle: Mine\nquality: {min_focus: 8, refuse_repeats: true}\n")
    experiment = loading.load(own)
    assert experiment.quality == QualityLimits(min_focus=8, refuse_repeats=True)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment
    assert "quality" not in loading.load("commutator").model_dump(mode="json")


def test_own_file_extends_ours(tmp_path: Path) -> None:
    """A file of one's own changes what it names and keeps the rest, and bears its own name."""
    own = written(tmp_path, "my_part", "extends: commutator\ntitle: Mine\nstages: {segmentation: {epochs: 2}}\n")
    experiment = loading.load(own)
    base = loading.load("commutator")
    assert (experiment.name, experiment.title, experiment.stages["segmentation"].epochs) == ("my_part", "Mine", 2)
    assert experiment.stages["classification"] == base.stages["classification"]


def test_another_kind_replaces_the_whole(tmp_path: Path) -> None:
    """Data of another kind, or a loss of another name, take nothing over from those of the base."""
    own = written(tmp_path, "mine", "extends: commutator\ntitle: Mine\ndata: {kind: image_mask_folder}\n")
    assert loading.load(own).data == ImageMaskFolderData(split=Split())


def test_a_refinement_may_be_taken_away_and_added(tmp_path: Path) -> None:
    """What extends a cascade may leave its refinement out, and what extends that may have one, between the others."""
    written(tmp_path, "without", "extends: commutator\nstages: {refinement: null}\n")
    stage = "{epochs: 1, batch_size: 1, sampler: shuffled, loss: {name: bce}, learning_rate: 0.1}"
    again = written(tmp_path, "again", f"extends: without\nstages: {{refinement: {stage}}}\n")
    titles = [tuple(loading.load(str(path)).stages) for path in (tmp_path / "without.yaml", again)]
    assert titles == [("segmentation", "classification"), STAGES["cascade"]]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["stages.segmentation.epoch=3"], "stages.segmentation.epoch: unknown key (did you mean epochs?)"),
        (["data.dilations=3"], "data.dilations: unknown key (did you mean dilation?)"),
        (["data.kind=kolektor"], "data: Input tag 'kolektor'"),
        (["seed=-1"], "seed: Input should be greater than or equal to 0"),
        (["data.split.fold=3"], "there is no fold 3 of 3"),
        (["data.split={shipped: true, folds: 3}"], "the shipped split has no folds"),
        (["stages={segmentation: null}"], "stages.segmentation"),
        (["stages.classification.sampler=hard_negatives"], "and for a classification from a bank of parts"),
        (["stages.classification.bank.parts=1"], "greater than or equal to 2"),
        (["stages.refinement=null", "stages.classification.bank.parts=2"], "or add a refinement"),
        (["stages.segmentation.sampler=hard_negatives"], "give segmentation the sampler frequency_of_use"),
        (["stages.refinement.augmentation.sideways=0.5"], "and there are none: set transplants, or sideways to 0"),
        (["task=anomaly"], "the stages of the task anomaly are reconstruction"),
        (["steps=[{op: grey}]"], "the steps need a resize"),
        (["steps=[{op: resize, height: 64, width: 64}]"], "the steps need grey or colour"),
        (["seed"], "--set wants key=value"),
        (["seed=[1"], "the value is no YAML"),
        (["title.more=1"], "'title' holds a value and no further keys"),
    ],
)
def test_wrong_settings_are_named(settings: list[str], sentence: str) -> None:
    """A setting that does not fit is an error that names the key and, for a slip of the pen, the key meant."""
    with pytest.raises(InvalidExperiment) as caught:
        loading.load("commutator", settings)
    assert sentence in caught.value.message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title: [", "is no YAML"),
        ("- a list", "holds no mapping"),
        ("extends: nothing_like_it\n", "There is no experiment 'nothing_like_it'"),
        ("extends: mine\n", "does one of them extend itself?"),
        ("extends: commutator\ncolour: red\n", "colour: unknown key"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, text: str, sentence: str) -> None:
    """A file that is no experiment is an error that says why."""
    with pytest.raises(InvalidExperiment) as caught:
        loading.load(written(tmp_path, "mine", text))
    assert sentence in caught.value.message


@pytest.mark.parametrize(
    ("name", "sentence"), [("comutator", "did you mean commutator"), ("no/such.yaml", "cannot be read")]
)
def test_unknown_experiments_are_named(name: str, sentence: str) -> None:
    """An experiment that is not there is an error with the nearest names."""
    with pytest.raises(InvalidExperiment) as caught:
        loading.load(name)
    assert sentence in caught.value.message

"""Publishing: four kinds of recipes on tiny networks, versions, refusals, cards, golden frames."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from support import tiny_training
from support.publishing import config, material, published, run_of
from torch import Tensor, nn

from flawgate_contracts.errors import InvalidParameter, ParityRefused
from flawgate_contracts.golden import Golden
from flawgate_contracts.kinds import CALLS
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository.digests import sha256
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_imaging import golden_frames
from flawgate_imaging.golden_pattern import PATTERN
from flawgate_training.architectures.networks import Cascade
from flawgate_training.datasets import kolektor_sdd, texture
from flawgate_training.experiment.schema import Task
from flawgate_training.export.card import Card
from flawgate_training.export.commit import current_commit
from flawgate_training.export.publication import publish
from flawgate_training.export.recipes import Request
from flawgate_training.runs import Run

TASKS: tuple[Task, ...] = ("cascade", "segmentation", "classification", "anomaly")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".flawgate.lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of each kind, named after it. To be read only."""
    folder = tmp_path_factory.mktemp("export") / "model_repository"
    for task in TASKS:
        assert published(run_of(task), folder, task, note="Trained in a hurry.").active
    return folder


@pytest.mark.parametrize("task", TASKS)
def test_a_new_recipe_stands_in_the_repository_and_is_in_force(repository: Path, task: Task) -> None:
    """Models with three configurations, the ensemble, and beside it all that describes the version."""
    models = [f"{task}_{call.part}" for call in CALLS[task]]
    configurations = ("config.pbtxt", "configs/cpu.pbtxt", "configs/tensorrt.pbtxt", "1/model.onnx")
    expected = {f"{model}/{file}" for model in models for file in configurations}
    described = ("ensemble.pbtxt", "recipe.json", "card.json", "MODEL_CARD.md", "parity.json", "golden.json")
    expected |= {f"{task}/config.pbtxt", *(f"{task}/1/{file}" for file in described)}
    there = {file for file in contents(repository) if file.split("/")[0] in (task, *models)}
    assert expected == {file for file in there if "/golden/" not in file}
    assert (repository / task / "config.pbtxt").read_text() == (repository / task / "1/ensemble.pbtxt").read_text()


@pytest.mark.parametrize("task", TASKS)
def test_the_ensemble_carries_the_recipe(repository: Path, task: Task) -> None:
    """Its parameter is the recipe that decision reads, with the digests of the files and of parity.json."""
    text = config(repository / task / "config.pbtxt").parameters["recipe"].string_value
    recipe = Recipe.from_json(text, source=task)
    assert recipe == ModelRepository(repository).recipe(task, 1)
    assert (recipe.kind, recipe.version, recipe.policy.threshold) == (task, "1", 0.9)
    for model in recipe.models:
        assert model.sha256 == sha256(repository / model.name / model.version / "model.onnx")
    assert recipe.provenance.parity_sha256 == sha256(repository / task / "1/parity.json")
    assert recipe.provenance.forced is None


@pytest.mark.parametrize("task", TASKS)
def test_the_ensemble_carries_the_golden_frames(repository: Path, task: Task) -> None:
    """Decision knows them over Triton's own API, without the folder."""
    text = config(repository / task / "config.pbtxt").parameters["golden"].string_value
    assert Golden.model_validate_json(text) == golden_frames.read(repository / task / "1")


def copied(repository: Path, folder: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(repository, folder / "copy"))


def test_the_next_version_waits_beside_the_one_in_force(tmp_path: Path, repository: Path) -> None:
    """A second export changes no file that stands there; it adds version 2, which nothing names yet."""
    folder = copied(repository, tmp_path)
    before = contents(folder)
    second = published(run_of("segmentation", seed=2), folder, "segmentation")
    after = contents(folder)
    assert (second.active, second.card.recipe.version) == (False, "2")
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[1] for name in set(after) - set(before)} == {"2"}
    assert list(config(folder / "segmentation_seg/config.pbtxt").version_policy.specific.versions) == [1]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (run_of("anomaly"), "its kind is anomaly"),
        (run_of("segmentation", channels=3), "its input is"),
        (run_of("segmentation", tiling=tiny_training.TILING), "its tiling is"),
        (run_of("segmentation", tiny_training.CLASSES), "gives or takes mask of"),
    ],
)
def test_a_version_of_another_shape_is_refused(tmp_path: Path, repository: Path, other: Run, sentence: str) -> None:
    """All versions share Triton's configuration: another kind, size or number of classes needs another name."""
    folder = copied(repository, tmp_path)
    before = contents(folder)
    stuff = material(channels=other.experiment.prepared.channels)
    with pytest.raises(InvalidParameter, match=f"{sentence}.*take another recipe name"):
        publish(Request(other, texture.ABOUT, "segmentation"), stuff, folder)
    assert before == contents(folder)


def test_other_precisions_and_targets_are_published_and_say_so(tmp_path: Path) -> None:
    """The recipe names what its models compute with and what for, and its golden frames allow for it."""
    card = published(run_of("segmentation"), tmp_path, precision="fp16", target="gpu").card
    assert (card.recipe.provenance.precision, card.recipe.provenance.target) == ("fp16", "gpu")
    assert card.golden.tolerance == 1e-2


def test_int8_needs_something_to_round(tmp_path: Path) -> None:
    """A network whose every layer would stay in float is refused, and nothing is written."""
    with pytest.raises(InvalidParameter, match="no layer that int8 would round"):
        published(run_of("segmentation"), tmp_path, precision="int8")
    assert contents(tmp_path) == {}


class Moody(Cascade):
    """Says something else when it is asked as a whole than its two parts say."""

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        mask, score = super().forward(frames)
        return mask, 1.0 - score


def moody() -> Run:
    """A run that no export can equal: its classification was swapped."""
    run = run_of("cascade")
    assert isinstance(run.network, Cascade)
    return replace(run, network=Moody(run.network.segmentation, Flipped(run.network.classification)).eval())


class Flipped(nn.Module):
    """A classification so sure of itself that its contrary is another evaluation."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        logit: Tensor = self.body(features) * 0 + 9
        return logit


def test_a_refused_export_leaves_the_repository(tmp_path: Path, repository: Path) -> None:
    """Where the exported models answer otherwise than the network, nothing changes and nothing is left behind."""
    folder = copied(repository, tmp_path)
    before = contents(folder)
    with pytest.raises(ParityRefused):
        published(moody(), folder, "cascade")
    assert before == contents(folder)


def test_force_publishes_and_says_so_for_ever(tmp_path: Path) -> None:
    """A refusal that was overruled stands with its reason in the recipe and on the card."""
    card = published(moody(), tmp_path, forced="the line stands still").card
    assert card.recipe.provenance.forced == "the line stands still"
    assert card.parity.passed is False
    text = (tmp_path / "tiny/1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "**Published against a refusal of the parity gate: the line stands still**" in text


def test_force_leaves_no_trace_where_nothing_was_refused(tmp_path: Path) -> None:
    """A reason that was not needed is not kept."""
    assert published(run_of("cascade"), tmp_path, forced="just in case").card.recipe.provenance.forced is None


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_force_needs_a_reason(tmp_path: Path, reason: str) -> None:
    """Nobody overrules the gate without a word, or with a novel."""
    with pytest.raises(InvalidParameter, match="needs a reason"):
        published(run_of("cascade"), tmp_path / "models", forced=reason)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["Big Part", "", "../part", "a" * 60])
def test_refuses_an_impossible_name(tmp_path: Path, name: str) -> None:
    """A name that cannot be a recipe's is refused in one sentence, and nothing is written."""
    with pytest.raises(InvalidParameter, match=f"'{name}' cannot be a recipe's name; begin with a small letter"):
        published(run_of("cascade"), tmp_path / "models", name)
    assert list(tmp_path.iterdir()) == []


def golden_of(repository: Path, recipe: str) -> Golden:
    """The golden frames of version 1."""
    return Golden.model_validate_json((repository / recipe / "1/golden.json").read_bytes())


@pytest.mark.parametrize("task", TASKS)
def test_golden_frames_come_with_their_pictures(repository: Path, task: Task) -> None:
    """The pattern and the extremes of each evaluation are kept as PNG; each tensor has the digest that is named."""
    golden = golden_of(repository, task)
    assert PATTERN in [frame.name for frame in golden.frames]
    for frame in golden.frames:
        assert frame.picture is not None
        pixels = cv2.imread(str(repository / task / "1" / frame.picture), cv2.IMREAD_UNCHANGED)
        assert pixels is not None
        assert frame.sha256 == hashlib.sha256(pixels.tobytes()).hexdigest()


def test_pictures_that_may_not_be_passed_on_stay_out(tmp_path: Path) -> None:
    """Of a data set whose licence forbids it, golden frames are digests alone; the pattern is nobody's."""
    publish(Request(run_of("segmentation"), kolektor_sdd.ABOUT, "tiny"), material(), tmp_path)
    golden = Golden.model_validate_json((tmp_path / "tiny/1/golden.json").read_bytes())
    assert len(golden.frames) > 1
    assert {frame.name for frame in golden.frames if frame.picture} == {PATTERN}


def test_the_card_says_where_it_comes_from(repository: Path) -> None:
    """The card names licence, data, run, parity and costs, as JSON and for people."""
    card = Card.model_validate_json((repository / "cascade/1/card.json").read_bytes())
    assert (card.experiment.task, card.training_seconds, card.training_device) == ("cascade", 12.5, "cpu")
    assert card.parameters == sum(weights.numel() for weights in run_of("cascade").network.parameters())
    assert [network.model for network in card.networks] == ["cascade_seg", "cascade_cls"]
    assert all(0 < network.after.operations <= network.before.operations for network in card.networks)
    text = (repository / "cascade/1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "**Licence of the weights: Apache-2.0.**" in text
    assert "None: this recipe was exported without being judged." in text
    assert all(f"`{model.sha256}`" in text for model in card.recipe.models)


def test_no_commit_outside_a_checkout(tmp_path: Path) -> None:
    """Outside a checkout there is no commit to tell."""
    assert current_commit(tmp_path) is None


def test_json_of_the_recipe_is_laid_out_in_lines(repository: Path) -> None:
    """The recipe in config.pbtxt is readable: one line of JSON a line."""
    text = (repository / "cascade/config.pbtxt").read_text(encoding="utf-8")
    assert '      "  \\"name\\": \\"cascade\\",\\n"\n' in text

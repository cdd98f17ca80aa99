import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from flawgate_contracts.errors import InvalidExperiment, InvalidParameter, ParityRefused
from flawgate_contracts.recipe import Recipe
from flawgate_training.architectures import registry
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.datasets import texture
from flawgate_training.evaluation import judging
from flawgate_training.evaluation.figures import Report
from flawgate_training.experiment import loading
from flawgate_training.experiment.schema import Experiment
from flawgate_training.export import parity
from flawgate_training.export.card import Card
from flawgate_training.export.commit import current_commit
from flawgate_training.export.parity import OnnxCascade
from flawgate_training.export.publication import Request, publish
from flawgate_training.export.staging import sha256
from flawgate_training.runs import Run
from flawgate_training.tasks import data as frames_of
from flawgate_training.tasks.chosen import Chosen


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    """Paper d's network at 64×64 on eight frames to learn from and eight to be judged upon."""
    tiny = ["data.train=8", "data.test=8", "steps=[{op: grey}, {op: resize, height: 64, width: 64}]"]
    return loading.load("texture", tiny)


@pytest.fixture(scope="module")
def data(experiment: Experiment) -> frames_of.RunData:
    """Its generated frames."""
    return frames_of.read(Chosen(experiment, None))


@pytest.fixture(scope="module")
def frames(data: frames_of.RunData) -> list[np.ndarray]:
    """Frames for the parity check."""
    return [sample.pixels for sample in data.train]


@pytest.fixture(scope="module")
def run(experiment: Experiment, frames: list[np.ndarray]) -> Run:
    """A network with statistics of real frames, as after training."""
    torch.manual_seed(3)
    network = TwoStageNetwork()
    stack = torch.stack([torch.from_numpy(pixels)[None] for pixels in frames])
    with torch.no_grad():
        for _ in range(100):
            network(stack)
    return Run(experiment, ("good", "defect"), network.eval(), 12.5, "cpu", 1, {"torch": "0"})


@pytest.fixture(scope="module")
def report(run: Run, data: frames_of.RunData, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """How the run was judged."""
    folder = tmp_path_factory.mktemp("judged")
    return judging.evaluate_run(run, folder, validation=data.validation, test=data.test)


def request(run: Run, name: str = "tiny", report: Report | None = None, note: str = "") -> Request:
    """To publish a run that learned from generated textures."""
    return Request(run, texture.ABOUT, name, report, note=note)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, run: Run, report: Report, frames: list[np.ndarray]) -> Path:
    """A model repository into which the run was published."""
    folder = tmp_path_factory.mktemp("export") / "model_repository"
    publish(request(run, "tiny", report, "Trained in a hurry."), folder, frames=frames)
    return folder


def config(repository: Path, model: str) -> model_config_pb2.ModelConfig:
    """A model's config.pbtxt, read by protobuf itself."""
    text = (repository / model / "config.pbtxt").read_text(encoding="utf-8")
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def cascade(repository: Path, recipe: str = "tiny") -> OnnxCascade:
    """The published graphs."""
    return OnnxCascade(*(repository / f"{recipe}{part}" / "1" / "model.onnx" for part in ("_seg", "_cls")))


def test_writes_triton_s_layout(repository: Path) -> None:
    """The repository holds the three models, the cards, and nothing that Triton would take for a model."""
    files = sorted(str(path.relative_to(repository)) for path in repository.rglob("*") if path.is_file())
    assert files == [
        "tiny/1/.gitkeep",
        "tiny/MODEL_CARD.md",
        "tiny/card.json",
        "tiny/config.pbtxt",
        "tiny_cls/1/model.onnx",
        "tiny_cls/config.pbtxt",
        "tiny_seg/1/model.onnx",
        "tiny_seg/config.pbtxt",
    ]
    assert [path.name for path in repository.parent.iterdir()] == ["model_repository"]


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_onnx_answers_as_torch(repository: Path, run: Run, frames: list[np.ndarray], batch: int) -> None:
    """At any batch size ONNX Runtime gives torch's masks and scores, within 1e-3."""
    stack = np.stack(frames[:batch])[:, None]
    with torch.no_grad():
        expected = run.network(torch.from_numpy(stack))
    for actual, wanted in zip(cascade(repository)(stack), expected, strict=True):
        assert actual.shape == tuple(wanted.shape)
        np.testing.assert_allclose(actual, wanted.numpy(), atol=1e-3)


def test_the_recipe_is_readable(repository: Path) -> None:
    """The ensemble's parameter is the recipe that the decision service reads, with the digests of the files."""
    text = config(repository, "tiny").parameters["recipe"].string_value
    recipe = Recipe.from_json(text, source="tiny")
    assert (recipe.name, recipe.kind, recipe.policy.threshold) == ("tiny", "cascade", 0.9)
    assert (recipe.input.channels, recipe.input.height, recipe.input.width) == (1, 64, 64)
    assert [step.op for step in recipe.steps] == ["grey", "resize"]
    for model in recipe.models:
        assert model.sha256 == sha256(repository / model.name / model.version / "model.onnx")


def test_configurations_fit_the_graphs(repository: Path) -> None:
    """Names and shapes in config.pbtxt are those of the graphs, and only the batch is dynamic."""
    segmentation, classification = config(repository, "tiny_seg"), config(repository, "tiny_cls")
    shapes = {tensor.name: list(tensor.dims) for tensor in [*segmentation.input, *segmentation.output]}
    assert shapes == {"frame": [1, 64, 64], "mask": [1, 8, 8], "features": [145, 8, 8]}
    shapes = {tensor.name: list(tensor.dims) for tensor in [*classification.input, *classification.output]}
    assert shapes == {"features": [145, 8, 8], "score": [1]}
    assert (segmentation.instance_group[0].count, classification.instance_group[0].count) == (2, 1)
    for model in (segmentation, classification):
        assert (model.backend, model.max_batch_size, model.HasField("dynamic_batching")) == ("onnxruntime", 4, False)
        (warmup,) = model.model_warmup
        assert (warmup.batch_size, [list(tensor.dims) for tensor in warmup.inputs.values()]) == (
            1,
            [list(tensor.dims) for tensor in model.input],
        )


def test_no_path_of_the_exporting_machine_is_in_a_model(repository: Path) -> None:
    """The exporter's stack traces stay at home, and do not change a model's digest from one checkout to another."""
    for path in repository.glob("*/1/model.onnx"):
        assert b"stack_trace" not in path.read_bytes()
        assert b"flawgate_training" not in path.read_bytes()


def test_the_ensemble_names_versions(repository: Path) -> None:
    """Each step of the ensemble names its model's exact version, and features go from the first to the second."""
    ensemble = config(repository, "tiny")
    steps = ensemble.ensemble_scheduling.step
    assert [(step.model_name, step.model_version) for step in steps] == [("tiny_seg", 1), ("tiny_cls", 1)]
    assert [dict(step.input_map) for step in steps] == [{"frame": "frame"}, {"features": "features"}]
    assert [dict(step.output_map) for step in steps] == [{"mask": "mask", "features": "features"}, {"score": "score"}]
    assert {tensor.name: list(tensor.dims) for tensor in ensemble.output} == {"mask": [1, 8, 8], "score": [1]}


def test_the_card_says_where_it_comes_from(repository: Path, run: Run, report: Report) -> None:
    """The card names licence, run and figures, as JSON and for people."""
    card = Card.model_validate_json((repository / "tiny" / "card.json").read_bytes())
    assert (card.parameters, card.experiment, card.evaluation) == (1_124_543, run.experiment, report)
    assert card.recipe.provenance.licence == "Apache-2.0"
    assert card.recipe.provenance.metrics["frames"] == 8.0
    text = (repository / "tiny" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "\n\nTrained in a hurry.\n" in text
    assert "**Licence of the weights: Apache-2.0.**" in text
    assert report.pooled is not None
    assert all(f"`{frame.name}`" in text for frame in report.pooled.wrong)


def test_a_refused_export_leaves_the_repository(repository: Path, run: Run, frames: list[np.ndarray]) -> None:
    """Where ONNX Runtime would answer otherwise, nothing changes and nothing is left behind."""
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    broken = replace(run, network=Moody().eval())
    with pytest.raises(ParityRefused, match="nothing was published"):
        publish(request(broken), repository, frames=frames)
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before
    assert [path.name for path in repository.parent.iterdir()] == ["model_repository"]


class Moody(TwoStageNetwork):
    """Says something else when it is asked as a whole than its two parts say."""

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        mask, score = super().forward(frames)
        return mask, 1.0 - score + 0.1


@pytest.mark.parametrize(("shift", "sentence"), [(0.002, "scores differ by 0.002"), (-0.95, "an evaluation flips")])
def test_the_gate_refuses(frames: list[np.ndarray], shift: float, sentence: str) -> None:
    """A score that moves by more than 1e-3, or across the threshold, is refused."""
    with pytest.raises(ParityRefused, match=sentence):
        parity.check(Constant(0.95), Shifted(0.95 + shift), frames, threshold=0.9)


def test_the_gate_passes_what_agrees(frames: list[np.ndarray]) -> None:
    """Differences up to 1e-3 pass, and are told."""
    found = parity.check(Constant(0.95), Shifted(0.9505), frames, threshold=0.9)
    assert (found.frames, found.mask_difference) == (8, 0.0)
    assert found.score_difference == pytest.approx(0.0005, rel=1e-3)


class Constant(TwoStageNetwork):
    """A network of one opinion."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self.score = score

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        return torch.zeros(len(frames), 1, 8, 8), torch.full((len(frames), 1), self.score)


class Shifted(OnnxCascade):
    """Exported graphs of one opinion."""

    def __init__(self, score: float) -> None:
        self.score = score

    def __call__(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the class."""
        return np.zeros((len(frames), 1, 8, 8), np.float32), np.full((len(frames), 1), self.score, np.float32)


@pytest.mark.parametrize("name", ["Big Part", "", "../part", "a" * 60])
def test_refuses_an_impossible_name(tmp_path: Path, run: Run, frames: list[np.ndarray], name: str) -> None:
    """A name that cannot be a recipe's is refused in one sentence, and nothing is written."""
    with pytest.raises(InvalidParameter, match=f"'{name}' cannot be a recipe's name; begin with a small letter"):
        publish(request(run, name), tmp_path / "models", frames=frames)
    assert list(tmp_path.iterdir()) == []


def test_refuses_what_is_no_cascade(tmp_path: Path, run: Run, frames: list[np.ndarray]) -> None:
    """A run of another task is refused in one sentence, and nothing is written."""
    experiment = loading.load("leather")
    other = replace(run, experiment=experiment, network=registry.build(experiment, ("good", "defective")))
    with pytest.raises(InvalidExperiment, match="this is a classification"):
        publish(request(other), tmp_path / "models", frames=frames)
    assert list(tmp_path.iterdir()) == []


def test_no_commit_outside_a_checkout(tmp_path: Path) -> None:
    """Outside a checkout there is no commit to tell."""
    assert current_commit(tmp_path) is None


def test_json_of_the_recipe_is_laid_out_in_lines(repository: Path) -> None:
    """The recipe in config.pbtxt is readable: one line of JSON a line."""
    text = (repository / "tiny" / "config.pbtxt").read_text(encoding="utf-8")
    assert '      "  \\"name\\": \\"tiny\\",\\n"\n' in text
    assert json.loads(config(repository, "tiny").parameters["recipe"].string_value)["name"] == "tiny"

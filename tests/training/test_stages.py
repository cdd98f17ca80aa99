from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from flawgate_contracts.errors import InvalidParameter
from flawgate_training import runs
from flawgate_training.architectures.commutator import SegmentationNetwork, TwoStageNetwork
from flawgate_training.config import RunConfig
from flawgate_training.datasets.samples import Sample
from flawgate_training.stages.classification import ClassificationStage, feature_bank
from flawgate_training.stages.feed import Example
from flawgate_training.stages.fit import fit
from flawgate_training.stages.segmentation import SegmentationStage


class PowerCutError(Exception):
    """Ends a run in its midst."""


class CutOff(SegmentationStage):
    """A first stage that never gets beyond its first epoch."""

    def examples(self, epoch: int) -> Dataset[Example]:
        """The examples of the first epoch; then the lights go out."""
        if epoch > 0:
            raise PowerCutError
        return super().examples(epoch)


def segmentation(config: RunConfig, samples: Sequence[Sample], kind: type[SegmentationStage]) -> SegmentationStage:
    """A first stage with fresh weights, always the same ones."""
    torch.manual_seed(0)
    return kind(SegmentationNetwork(), config.segmentation, samples, seed=0)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether all weights and running statistics are equal, bit by bit."""
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_resumed_stage_ends_as_an_uninterrupted_one(
    tmp_path: Path, tiny_config: RunConfig, tiny_samples: list[Sample]
) -> None:
    """A stage cut off after one epoch and resumed has, to the last bit, the weights of one that ran through."""
    through = segmentation(tiny_config, tiny_samples, SegmentationStage)
    fit(through, title="through", checkpoints=tmp_path / "through")
    with pytest.raises(PowerCutError):
        fit(segmentation(tiny_config, tiny_samples, CutOff), title="cut", checkpoints=tmp_path / "cut")
    resumed = segmentation(tiny_config, tiny_samples, SegmentationStage)
    untrained = segmentation(tiny_config, tiny_samples, SegmentationStage)
    fit(resumed, title="resumed", checkpoints=tmp_path / "cut")
    assert same_weights(resumed.trained, through.trained)
    assert not same_weights(resumed.trained, untrained.trained)


def test_seconds_add_up_across_interruptions(
    tmp_path: Path, tiny_config: RunConfig, tiny_samples: list[Sample]
) -> None:
    """The time that a stage took is kept with its checkpoint: asked again, a finished stage tells the same time."""
    first, second = (
        fit(segmentation(tiny_config, tiny_samples, SegmentationStage), title="stage", checkpoints=tmp_path)
        for _ in range(2)
    )
    assert second == first > 0


def test_runs_repeat(tmp_path: Path, tiny_config: RunConfig, tiny_samples: list[Sample]) -> None:
    """Two runs of the same configuration give the same weights, and another seed gives others."""
    first, second = (runs.train(tiny_config, tiny_samples, tmp_path / name) for name in ("first", "second"))
    other = runs.train(tiny_config.model_copy(update={"seed": 1}), tiny_samples, tmp_path / "other")
    assert same_weights(first.network, second.network)
    assert not same_weights(first.network, other.network)
    assert runs.load(tmp_path / "first").config == tiny_config


def test_a_folder_belongs_to_one_configuration(
    tmp_path: Path, tiny_config: RunConfig, tiny_samples: list[Sample]
) -> None:
    """Another configuration is not mixed into the folder of a run."""
    (tmp_path / "config.json").write_text(tiny_config.model_dump_json())
    with pytest.raises(InvalidParameter, match="holds a run with other settings"):
        runs.train(tiny_config.model_copy(update={"seed": 9}), tiny_samples, tmp_path)


def test_no_run(tmp_path: Path) -> None:
    """A folder without a run is named as such."""
    with pytest.raises(InvalidParameter, match="There is no run in"):
        runs.load(tmp_path)


def test_unfinished_run(tmp_path: Path, tiny_config: RunConfig) -> None:
    """A run that was interrupted is not mistaken for a finished one."""
    (tmp_path / "config.json").write_text(tiny_config.model_dump_json())
    with pytest.raises(InvalidParameter, match="is not finished"):
        runs.load(tmp_path)


def test_unreadable_run(tmp_path: Path) -> None:
    """A configuration that this version cannot read is named as such."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InvalidParameter, match=r"config\.json cannot be read"):
        runs.load(tmp_path)


def test_the_second_stage_leaves_the_segmentation_alone(
    tmp_path: Path, tiny_config: RunConfig, tiny_samples: list[Sample]
) -> None:
    """Only the classifier changes in stage two; not even the running statistics of the frozen network move."""
    torch.manual_seed(0)
    network, before = TwoStageNetwork(), TwoStageNetwork()
    before.load_state_dict(network.state_dict())
    bank = feature_bank(network.segmentation, tiny_samples, epochs=1, seed=0)
    fit(
        ClassificationStage(network.classification, tiny_config.classification, bank),
        title="classification",
        checkpoints=tmp_path,
    )
    assert same_weights(network.segmentation, before.segmentation)
    assert not same_weights(network.classification, before.classification)


def test_the_bank_is_bounded(tiny_samples: list[Sample]) -> None:
    """The bank holds as many epochs, and of each as many frames, as it was asked for."""
    bank = feature_bank(SegmentationNetwork(), tiny_samples, epochs=2, seed=0, frames=6)
    assert [[tuple(part.shape) for part in epoch.tensors] for epoch in bank] == [[(6, 145, 8, 8), (6, 1)]] * 2


def test_the_segmentation_learns(tmp_path: Path, tiny_config: RunConfig, tiny_samples: list[Sample]) -> None:
    """Twelve epochs on eight samples halve the loss of the untrained network."""
    config = tiny_config.segmentation.model_copy(update={"epochs": 12, "learning_rate": 3e-3})
    torch.manual_seed(0)
    taught = SegmentationStage(SegmentationNetwork(), config, tiny_samples, seed=0)
    batch = next(iter(DataLoader(taught.examples(0), batch_size=8)))
    before = float(taught.loss(batch).detach())
    fit(taught, title="segmentation", checkpoints=tmp_path)
    assert float(taught.loss(batch).detach()) < before / 2

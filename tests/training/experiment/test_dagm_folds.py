import pytest

from flawgate_training.experiment import loading
from flawgate_training.experiment.data import DagmData

NETWORKS = ("dagm_folds", "dagm_folds_autoencoder", "dagm_folds_unet3plus")


@pytest.mark.parametrize("name", NETWORKS)
def test_whole_frames(name: str) -> None:
    """The folds learn from windows, as paper b's slices do not, and judge whole frames of 512×512 pixels."""
    experiment = loading.load(name)
    assert (experiment.input.height, experiment.input.width) == (512, 512)
    assert experiment.stages["segmentation"].augmentation.crop == 128


@pytest.mark.parametrize("name", NETWORKS)
def test_a_threshold_from_validation_frames(name: str) -> None:
    """Each of five folds has validation frames, and they alone choose the threshold: no epoch before the last is."""
    experiment = loading.load(name)
    data, stage = experiment.data, experiment.stages["segmentation"]
    assert isinstance(data, DagmData)
    assert (data.split.folds, data.split.validation > 0) == (5, True)
    assert experiment.judging.threshold == "validation"
    assert stage.validate_every >= stage.epochs


@pytest.mark.parametrize("name", NETWORKS[1:])
def test_one_comparison(name: str) -> None:
    """Paper b's networks are compared at the same settings: only the network differs."""
    own = {"name", "title", "network"}
    assert loading.load(name).model_dump(exclude=own) == loading.load(NETWORKS[0]).model_dump(exclude=own)

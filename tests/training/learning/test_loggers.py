import importlib.util
from pathlib import Path

import pytest
from lightning.pytorch.loggers import MLFlowLogger
from support.tiny_training import experiment

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.learning.loggers import Destinations

HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None


def test_tensorboard_always(tmp_path: Path) -> None:
    """Each stage has a folder of its own, the same at every start."""
    for _ in range(2):
        (logger,) = Destinations(experiment(), tmp_path).loggers("segmentation")
        assert getattr(logger, "log_dir", None) == str(tmp_path / "tensorboard" / "segmentation")


@pytest.mark.skipif(HAS_MLFLOW, reason="MLflow is installed")
def test_mlflow_is_missed(tmp_path: Path) -> None:
    """Where MLflow is asked for and not installed, the extra that brings it is named."""
    with pytest.raises(InvalidParameter, match=r"install flawgate-training\[mlflow\]"):
        Destinations(experiment(), tmp_path, mlflow="file:store").loggers("segmentation")


@pytest.mark.skipif(not HAS_MLFLOW, reason="MLflow is not installed")
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed stage goes on in the run of MLflow that it began, named after folder and stage, with its settings."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the slim MLflow has no other store without a server
    store = (tmp_path / "store").as_uri()
    ids = []
    for _ in range(2):
        _, logger = Destinations(experiment(), tmp_path, mlflow=store).loggers("segmentation")
        logger.log_metrics({"epoch/loss": 0.5}, step=1)
        ids.append(logger.version)
    assert ids[0] == ids[1]
    assert isinstance(logger, MLFlowLogger)
    found = logger.experiment.get_run(ids[0])
    assert found.info.run_name == f"{tmp_path.name} segmentation"
    assert found.data.params["seed"] == "0"
    assert found.data.metrics == {"epoch/loss": 0.5}


@pytest.mark.skipif(not HAS_MLFLOW, reason="MLflow is not installed")
def test_mlflow_is_not_there(tmp_path: Path) -> None:
    """An address that MLflow cannot work with is an error that says so, before anything is learned."""
    with pytest.raises(InvalidParameter, match="MLflow cannot log to nowhere://"):
        Destinations(experiment(), tmp_path, mlflow="nowhere://").loggers("segmentation")

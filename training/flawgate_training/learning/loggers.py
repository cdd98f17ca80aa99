"""Where figures go beside the run's own files: TensorBoard always, MLflow when asked for."""

import os
from dataclasses import dataclass
from pathlib import Path

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.experiment.schema import Experiment
from flawgate_training.learning.storage import write_whole


@dataclass(frozen=True)
class Destinations:
    """Of one stage.

    Attributes:
        experiment: gives names and parameters.
        folder: of the run.
        mlflow: tracking URI; None: no MLflow.
    """

    experiment: Experiment
    folder: Path
    mlflow: str | None = None

    def loggers(self, title: str) -> list[Logger]:
        """Those of a stage; a resumed stage goes on in the same places.

        Raises:
            InvalidParameter: MLflow is asked for and not installed.
        """
        found: list[Logger] = [TensorBoardLogger(self.folder, name="tensorboard", version=title)]
        if self.mlflow is not None:
            found.append(self._mlflow(title, self.mlflow))
        return found

    def _mlflow(self, title: str, address: str) -> MLFlowLogger:
        """A new run of MLflow's, or the one that the same stage began before it was interrupted."""
        # MLflow reports its use to its makers unless told not to; whoever wants that sets the variable to false.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            from mlflow.exceptions import MlflowException  # noqa: PLC0415 - an extra that need not be installed
        except ModuleNotFoundError as err:
            raise InvalidParameter(
                "MLflow is not installed; install flawgate-training[mlflow], or leave --mlflow out.",
                {"field": "mlflow"},
            ) from err
        try:
            return self._begun(title, address)
        except MlflowException as err:
            raise InvalidParameter(f"MLflow cannot log to {address}: {err.message}", {"field": "mlflow"}) from err

    def _begun(self, title: str, address: str) -> MLFlowLogger:
        known = self.folder / "checkpoints" / title / "mlflow.txt"
        begun = known.read_text(encoding="utf-8") if known.exists() else None
        logger = MLFlowLogger(self.experiment.name, f"{self.folder.name} {title}", tracking_uri=address, run_id=begun)
        if begun is None:
            logger.log_hyperparams(self.experiment.model_dump(mode="json"))
            known.parent.mkdir(parents=True, exist_ok=True)
            write_whole(known, str(logger.run_id).encode())
        return logger

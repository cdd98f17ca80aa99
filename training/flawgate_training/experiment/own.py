"""An experiment for a user's own pictures, from one of ours: no code, no YAML."""

from flawgate_training.experiment.data import Data, FileData, Split
from flawgate_training.experiment.schema import Experiment

_KEPT = ("dilation", "binary", "good")
"""Settings of the data that stay in force where the own data set has them too."""


def on_own_data(experiment: Experiment, data: FileData) -> Experiment:
    """The same steps, network and stages on other pictures.

    Frames are divided into training, validation and test by part, or as the folder itself divides them; whatever the
    experiment's own data set does.

    Args:
        experiment: as which the pictures shall be learned; already bears the name of the recipe.
        data: the kind of folder in which the pictures lie, see `datasets.own.detect`.
    """
    kept = {key: getattr(experiment.data, key) for key in _KEPT if _both_have(experiment.data, data, key)}
    own = data.model_copy(update={**kept, "split": Split(shipped=data.split.shipped)})
    return experiment.model_copy(update={"data": own, "title": f"{experiment.name}: own pictures", "paper": None})


def _both_have(ours: Data, own: Data, key: str) -> bool:
    return hasattr(ours, key) and hasattr(own, key)

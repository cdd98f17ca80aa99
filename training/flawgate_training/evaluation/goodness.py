"""Whether the first class of a data set is that of good parts."""

from collections.abc import Sequence
from pathlib import Path

from flawgate_training.datasets.image_folder import good_class
from flawgate_training.experiment.data import ImageFolderData
from flawgate_training.experiment.schema import Experiment


def has_good_class(experiment: Experiment, classes: Sequence[str]) -> bool:
    """Only folders of pictures may be without: each a kind of defect, or of anything else.

    Args:
        experiment: names the folder of good parts, if it has a name of its own.
        classes: names, by index; a good class is the first.
    """
    data = experiment.data
    return not isinstance(data, ImageFolderData) or good_class(classes, data.good, Path()) is not None

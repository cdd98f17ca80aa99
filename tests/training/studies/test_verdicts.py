import pytest

from flawgate_training.experiment.schema import Task
from flawgate_training.studies.results import Seen
from flawgate_training.studies.verdicts import verdict


@pytest.mark.parametrize(
    ("task", "mistake", "inside", "outside", "told"),
    [
        ("cascade", "missed", 0.04, 0.0, "The segmentation did not see it (highest 0.04"),
        ("cascade", "missed", 0.3, 0.0, "The segmentation saw it faintly (highest 0.30"),
        ("cascade", "missed", 0.8, 0.0, "Seen (highest 0.80 within the label), but the classifier's score stays"),
        ("segmentation", "missed", 0.8, 0.0, "Seen (highest 0.80 within the label), but the score, a mean over"),
        ("cascade", "false alarm", None, 0.9, "The segmentation marks something where nothing is labelled"),
        ("cascade", "false alarm", None, 0.2, "The segmentation marks nothing (highest 0.20); the classifier alone"),
        ("anomaly", "missed", 0.05, 0.2, "The residual within the label reaches 0.050, no more than elsewhere"),
        ("anomaly", "missed", 0.3, 0.2, "The residual within the label reaches 0.300, more than elsewhere (0.200)"),
        ("anomaly", "false alarm", None, 0.2, "Good surface that the network draws badly (residual up to 0.200)."),
    ],
)
def test_the_map_tells_why(task: Task, mistake: str, inside: float | None, outside: float, told: str) -> None:
    """Whether the segmentation saw the defect decides what is to be improved."""
    seen = Seen(defect_px=0 if inside is None else 20, inside=inside, outside=outside)
    assert verdict(task, defective=mistake == "missed", threshold=0.9, seen=seen).startswith(told)


def test_without_a_map_only_the_mistake_is_told() -> None:
    """A classification explains nothing by a map."""
    told = verdict("classification", defective=True, threshold=0.5, seen=None)
    assert told == "No map to look at: a defect taken for good."

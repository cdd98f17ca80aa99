"""Why a frame was judged wrongly, as far as its score and its map tell, in one sentence."""

from flawgate_imaging.scores import MASK_THRESHOLD
from flawgate_training.experiment.schema import Task
from flawgate_training.studies.results import Seen

_FAINT = 0.1
"""Of a probability map: below this, nothing was seen at all."""


def verdict(task: Task, *, defective: bool, threshold: float, seen: Seen | None) -> str:
    """One sentence about one wrong frame.

    Args:
        task: of the network.
        defective: the truth: a missed defect, or else a false alarm.
        threshold: of the frame's score, 0–1.
        seen: what the map shows; None where there is none.
    """
    if seen is None:
        told = "a defect taken for good" if defective else "a good part taken for defective"
        return f"No map to look at: {told}."
    if task == "anomaly":
        return _anomaly(seen, threshold, defective=defective)
    return _missed(task, seen, threshold) if defective else _alarm(task, seen)


def _missed(task: Task, seen: Seen, threshold: float) -> str:
    inside = seen.inside or 0.0
    if inside < _FAINT:
        return f"The segmentation did not see it (highest {inside:.2f} within the label)."
    if inside < MASK_THRESHOLD:
        return f"The segmentation saw it faintly (highest {inside:.2f} within the label, a mask begins at 0.5)."
    why = "the classifier's score" if task == "cascade" else "the score, a mean over the highest pixels,"
    return f"Seen (highest {inside:.2f} within the label), but {why} stays below {threshold:.4g}."


def _alarm(task: Task, seen: Seen) -> str:
    outside = seen.outside or 0.0
    if outside >= MASK_THRESHOLD:
        return f"The segmentation marks something where nothing is labelled (highest {outside:.2f})."
    who = "the classifier" if task == "cascade" else "the score"
    return f"The segmentation marks nothing (highest {outside:.2f}); {who} alone raises the alarm."


def _anomaly(seen: Seen, threshold: float, *, defective: bool) -> str:
    if not defective:
        return f"Good surface that the network draws badly (residual up to {seen.outside or 0.0:.3f})."
    inside, outside = seen.inside or 0.0, seen.outside or 0.0
    compared = "no more than elsewhere" if inside <= outside else "more than elsewhere"
    return (
        f"The residual within the label reaches {inside:.3f}, {compared} ({outside:.3f}); the score stays below "
        f"{threshold:.4g}."
    )

from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.report.cases import PER_SECTION, sections

CLASSES = ("background", "spot", "stripe")


def prediction(name: str, score: float, *, defective: bool) -> Prediction:
    """A frame of a task without classes."""
    return Prediction(name=name, defective=defective, score=score)


def shown(predictions: list[Prediction], limit: float | None) -> dict[str, list[str]]:
    """Names of the frames of each section."""
    limits = None if limit is None else [limit] * len(predictions)
    found = sections(predictions, limits, CLASSES[:2] if limit is not None else CLASSES)
    return {section.title: [each.name for each in section.predictions] for section in found}


def test_the_worst_first() -> None:
    """Missed defects by the lowest score, false alarms by the highest."""
    frames = [
        prediction("missed", 0.4, defective=True),
        prediction("missed more", 0.1, defective=True),
        prediction("found", 0.95, defective=True),
        prediction("alarm", 0.91, defective=False),
        prediction("loud alarm", 0.99, defective=False),
        prediction("passed", 0.1, defective=False),
    ]
    assert shown(frames, 0.9) == {
        "Missed defects": ["missed more", "missed"],
        "False alarms": ["loud alarm", "alarm"],
    }


def test_the_closest_calls() -> None:
    """Where nothing is wrong, the frames nearest to the threshold on either side."""
    frames = [
        prediction("clear", 0.99, defective=True),
        prediction("close", 0.91, defective=True),
        prediction("nearly", 0.8, defective=False),
        prediction("good", 0.0, defective=False),
    ]
    assert shown(frames, 0.9) == {
        "No defect was missed: the closest calls": ["close", "clear"],
        "No false alarm: the closest calls": ["nearly", "good"],
    }


def test_a_few_of_many() -> None:
    """However many there are, a section stays short and says so."""
    frames = [prediction(str(number), 0.1, defective=True) for number in range(50)]
    (missed,) = sections(frames, [0.9] * 50, CLASSES[:2])
    assert len(missed.predictions) == PER_SECTION
    assert missed.note == f"{PER_SECTION} of 50 shown, lowest scores first."


def segmented(name: str, answer: int, hits: int) -> Prediction:
    """A frame with a spot of ten pixels, of which so many are answered rightly."""
    confusion = (90, 0, 0, 10 - hits, hits, 0, 0, 0, 0)
    return Prediction(name=name, defective=True, score=0.5, label=1, answer=answer, confusion=confusion)


def test_other_classes() -> None:
    """Frames taken for another class, those with the worst masks first."""
    frames = [segmented("right", 1, 2), segmented("wrong", 2, 5), segmented("worse", 2, 1)]
    assert shown(frames, None) == {"Taken for another class": ["worse", "wrong"]}


def test_the_worst_masks() -> None:
    """Where every class is right, the masks that overlap least."""
    assert shown([segmented("good", 1, 9), segmented("poor", 1, 3)], None) == {
        "Every frame has the right class: the worst masks": ["poor", "good"]
    }

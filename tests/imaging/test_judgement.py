from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.errors import ModelFailure
from flawgate_contracts.kinds import Kind
from flawgate_contracts.tiling import Tiling
from flawgate_imaging.judgement import Judgement, Manner, judge

SIDE = 8
TILING = Tiling(height=8, width=4, stride_y=8, stride_x=2)
"""Three tiles over 8 × 8 pixels, two columns apart."""
BLACK = np.zeros((1, 1, SIDE, SIDE), np.uint8)
TILES = np.zeros((3, 1, SIDE, 4), np.uint8)


def manner(kind: Kind, classes: int = 1, *, tiling: Tiling | None = None, good_class: bool = True) -> Manner:
    """How answers are read: a map's score is its highest pixel."""
    return Manner(kind, classes, tiling, top_share=0.001, good_class=good_class)


def judged(how: Manner, frames: NDArray[np.uint8], **answers: NDArray[Any]) -> Judgement:
    """The judgement of a frame of 8 × 8 pixels."""
    return judge(how, frames, answers, height=SIDE, width=SIDE)


def planes(*classes: float, count: int = 1) -> NDArray[np.float32]:
    """(count, K, 2, 2): even maps of those probabilities."""
    return np.tile(np.array(classes, np.float32)[:, np.newaxis, np.newaxis], (count, 1, 2, 2))


def test_a_cascade_says_its_score_itself() -> None:
    """The classification's score counts, not the mask's pixels; the mask keeps the network's resolution."""
    said = judged(manner("cascade"), BLACK, mask=planes(0.9), score=np.array([[0.25]], np.float32))
    assert (said.score, said.answer, said.probabilities) == (0.25, None, None)
    assert said.planes is not None
    np.testing.assert_array_equal(planes(0.9)[0], said.planes)


def test_a_segmentation_is_as_bad_as_its_worst_pixel() -> None:
    """Of one class the probability itself counts, rounded to six decimals."""
    mask = planes(0.1)
    mask[0, 0, 1, 1] = 0.7654321
    said = judged(manner("segmentation"), BLACK, mask=mask)
    assert (said.score, said.answer) == (0.765432, None)


def test_of_several_classes_whatever_is_no_background_is_bad() -> None:
    """The score is 1 − background; the frame's class that of most pixels which are something else."""
    mask = planes(0.9, 0.1, 0.0)
    mask[0, :, 0, 0] = [0.25, 0.0, 0.75]
    said = judged(manner("segmentation", 3), BLACK, mask=mask)
    assert (said.score, said.answer) == (0.75, 2)
    assert judged(manner("segmentation", 3), BLACK, mask=planes(0.9, 0.1, 0.0)).answer == 0


def test_an_anomaly_is_what_cannot_be_drawn() -> None:
    """The residual, averaged over five by five pixels: an even difference stays as it is."""
    frames = np.full((1, 3, SIDE, SIDE), 51, np.uint8)
    said = judged(manner("anomaly"), frames, reconstruction=np.full(frames.shape, 0.5, np.float32))
    assert (said.score, said.answer) == (0.3, None)
    assert said.planes is not None
    assert said.planes.shape == (1, SIDE, SIDE)


@pytest.mark.parametrize(
    ("probabilities", "good_class", "score", "answer"),
    [
        ([0.2, 0.7, 0.1], True, 0.8, 1),
        ([0.6, 0.4, 0.0], True, 0.4, 0),
        ([0.2, 0.7, 0.1], False, 0.7, 1),
        ([0.6, 0.4, 0.0], False, 0.6, 0),
        ([0.5], True, 0.5, 1),
        ([0.49], True, 0.49, 0),
        ([0.49], False, 0.49, 0),
    ],
)
def test_a_classification(probabilities: list[float], *, good_class: bool, score: float, answer: int) -> None:
    """The score is that of "not good", or of the class answered where none is good; a single class is "defective"."""
    how = manner("classification", len(probabilities), good_class=good_class)
    said = judged(how, BLACK, probabilities=np.array([probabilities], np.float32))
    assert (said.score, said.answer, said.planes) == (score, answer, None)
    assert said.probabilities is not None
    assert said.probabilities.tolist() == pytest.approx(probabilities)


def test_the_worst_tile_decides_a_cascade() -> None:
    """Its score is the frame's, and the maps lie over the frame, the higher one counting where tiles overlap."""
    mask = planes(0.25, count=3)
    mask[1] = 0.75
    score = np.array([[0.1], [0.2], [0.9]], np.float32)
    said = judged(manner("cascade", tiling=TILING), TILES, mask=mask, score=score)
    assert said.score == 0.9
    assert said.planes is not None
    assert said.planes[0, 3].tolist() == [0.25, 0.25, 0.75, 0.75, 0.75, 0.75, 0.25, 0.25]


def test_the_worst_tile_answers_a_classification() -> None:
    """Its probabilities are the frame's."""
    probabilities = np.array([[0.9, 0.1, 0.0], [0.3, 0.3, 0.4], [0.8, 0.2, 0.0]], np.float32)
    said = judged(manner("classification", 3, tiling=TILING), TILES, probabilities=probabilities)
    assert (said.score, said.answer) == (0.7, 2)
    assert said.probabilities is not None
    assert said.probabilities.tolist() == pytest.approx([0.3, 0.3, 0.4])


def test_an_explanation_stays_in_the_resolution_of_the_model() -> None:
    """And there is none where the model gave none."""
    seen = planes(0.5)[0]
    told = {"probabilities": np.array([[0.9]], np.float32)}
    said = judged(manner("classification"), BLACK, **told, explanation=seen)
    assert said.explanation is not None
    np.testing.assert_array_equal(seen[0], said.explanation)
    assert judged(manner("classification"), BLACK, **told).explanation is None


def test_the_worst_tile_is_explained() -> None:
    """At its place in the frame; what other tiles show is left out."""
    told = {"probabilities": np.array([[0.2], [0.3], [0.8]], np.float32)}
    seen = np.ones((3, 2, 2), np.float32) * np.array([1.0, 1.0, 0.5], np.float32)[:, np.newaxis, np.newaxis]
    said = judged(manner("classification", tiling=TILING), TILES, **told, explanation=seen)
    expected = np.zeros((SIDE, SIDE), np.float32)
    expected[:, 4:] = 0.5
    assert said.explanation is not None
    np.testing.assert_array_equal(expected, said.explanation)


@pytest.mark.parametrize("shape", [(2, 2, 2), (1, 1, 2, 2), (1, 0, 2)])
def test_an_explanation_of_another_shape_is_the_models_failure(shape: tuple[int, ...]) -> None:
    """One map, (h, w), for each tensor."""
    told = {"probabilities": np.array([[0.9]], np.float32)}
    with pytest.raises(ModelFailure, match="The model gave explanation of shape"):
        judged(manner("classification"), BLACK, **told, explanation=np.zeros(shape, np.float32))


def test_rounding_beyond_the_borders_is_cut_off() -> None:
    """A runtime's 1.0000001 is 1, and what a half cannot tell from 0 is 0."""
    probabilities = np.array([[1.0000001, -0.0005]], np.float32)
    said = judged(manner("classification", 2), BLACK, probabilities=probabilities)
    assert said.score == 0.0
    assert said.probabilities is not None
    assert said.probabilities.tolist() == [1.0, 0.0]


def test_halves_and_doubles_are_read_alike() -> None:
    """What a model computes with is its own affair."""
    scores = {
        judged(manner("segmentation"), BLACK, mask=planes(0.5).astype(kind)).score
        for kind in (np.float16, np.float32, np.float64)
    }
    assert scores == {0.5}


GOOD: dict[Kind, dict[str, NDArray[Any]]] = {
    "cascade": {"mask": planes(0.1), "score": np.array([[0.1]], np.float32)},
    "segmentation": {"mask": planes(0.1)},
    "classification": {"probabilities": np.array([[0.1]], np.float32)},
    "anomaly": {"reconstruction": np.zeros(BLACK.shape, np.float32)},
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, answers in GOOD.items() for name in answers])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1.5, -0.5])
def test_a_value_that_is_no_probability_is_the_models_failure(kind: Kind, name: str, value: float) -> None:
    """One such pixel is enough: NaN is not "no defect", and a logit is no score."""
    answers = {key: array.copy() for key, array in GOOD[kind].items()}
    answers[name].flat[-1] = value
    with pytest.raises(ModelFailure, match=f"{name} with values"):
        judged(manner(kind), BLACK, **answers)


@pytest.mark.parametrize(
    ("kind", "name", "shape"),
    [
        ("cascade", "score", (1,)),
        ("cascade", "score", (1, 2)),
        ("cascade", "score", (2, 1)),
        ("cascade", "score", ()),
        ("cascade", "mask", (1, 2, 2, 2)),
        ("cascade", "mask", (2, 1, 2, 2)),
        ("segmentation", "mask", (1, 2, 2)),
        ("segmentation", "mask", (1, 1, 1, 2, 2)),
        ("segmentation", "mask", (1, 1, 0, 2)),
        ("classification", "probabilities", (1, 2)),
        ("classification", "probabilities", (1,)),
        ("anomaly", "reconstruction", (1, 1, SIDE, 1)),
        ("anomaly", "reconstruction", (1, 3, SIDE, SIDE)),
        ("anomaly", "reconstruction", (2, 1, SIDE, SIDE)),
    ],
)
def test_an_answer_of_another_shape_is_the_models_failure(kind: Kind, name: str, shape: tuple[int, ...]) -> None:
    """Also where numpy would stretch it without a word."""
    with pytest.raises(ModelFailure, match=f"{name} of shape"):
        judged(manner(kind), BLACK, **GOOD[kind] | {name: np.zeros(shape, np.float32)})


def test_integers_are_no_probabilities() -> None:
    """A mask of 0 and 1 in whole numbers is a mask of classes, not of probabilities."""
    with pytest.raises(ModelFailure, match="int64"):
        judged(manner("segmentation"), BLACK, mask=np.zeros((1, 1, 2, 2), np.int64))


@pytest.mark.parametrize("kind", GOOD)
def test_an_answer_that_is_missing_is_named(kind: Kind) -> None:
    """Such a model was not exported for this kind of recipe."""
    last = list(GOOD[kind])[-1]
    with pytest.raises(ModelFailure, match=f"gave no {last}"):
        judged(manner(kind), BLACK, **{name: values for name, values in GOOD[kind].items() if name != last})


def test_one_answer_for_each_tile() -> None:
    """Two maps for three tiles are a failure, not a frame with a hole in it."""
    with pytest.raises(ModelFailure, match=r"shape \(2, 1, 2, 2\)"):
        judged(manner("segmentation", tiling=TILING), TILES, mask=planes(0.1, count=2))

import json

import numpy as np
import pytest
from support.scripted_models import Answer, Scripted

from flawgate_contracts.errors import InvalidParameter, ParityRefused
from flawgate_contracts.kinds import MASK, PROBABILITIES, RECONSTRUCTION, SCORE, Kind
from flawgate_contracts.recipe import AreaLimits, Policy, Precision
from flawgate_contracts.tiling import Tiling
from flawgate_imaging.judgement import Manner
from flawgate_training.export import parity
from flawgate_training.export.parity import TOLERANCES, NamedFrame, Parity

FRAME = NamedFrame("kos01/Part5", np.zeros((64, 64), np.uint8))
POLICY = Policy(threshold=0.9)


def manner(kind: Kind, classes: int = 1, tiling: Tiling | None = None) -> Manner:
    """How a recipe of a kind reads answers."""
    return Manner(kind, classes, tiling, top_share=0.001, good_class=True)


def cascade(score: float, marked: int = 0) -> Answer:
    """What a cascade says: a score, and a mask of 8×8 with some marked pixels."""
    mask = np.zeros(64, np.float32)
    mask[:marked] = 1.0
    return {MASK: mask.reshape(1, 1, 8, 8), SCORE: np.array([[score]], np.float32)}


def compared(first: Answer, second: Answer, *, policy: Policy = POLICY, precision: Precision = "fp32") -> Parity:
    """Of one frame, judged by a cascade."""
    models = Scripted(first), Scripted(second)
    return parity.compare(*models, manner("cascade"), policy, [FRAME], precision=precision)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_what_agrees_passes(precision: Precision) -> None:
    """Scores and masks that differ within the tolerance of the precision pass, and the figures say by how much."""
    tolerance = TOLERANCES[precision]
    found = compared(cascade(0.3, 30), cascade(0.3 + 0.9 * tolerance.score, 30), precision=precision)
    parity.check(found)
    assert (found.passed, found.faults, found.flipped, found.least_mask_iou) == (True, (), (), 1.0)
    assert found.largest_score_shift == pytest.approx(0.9 * tolerance.score, abs=2e-6)
    assert found.largest_score_shift_near_threshold is None


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_moved_score_is_refused(precision: Precision) -> None:
    """A score that moves past the tolerance of the precision is refused, whatever the evaluation."""
    tolerance = TOLERANCES[precision].score
    found = compared(cascade(0.3), cascade(0.3 + 1.1 * tolerance), precision=precision)
    with pytest.raises(ParityRefused, match=r"does not answer as the trained one\. A score moves by"):
        parity.check(found)


def test_near_the_threshold_less_is_allowed() -> None:
    """Int8 may move a score by 0.05, but by half of it only where the threshold is no further than 0.1."""
    far, near = (compared(cascade(score), cascade(score - 0.03), precision="int8") for score in (0.75, 0.85))
    assert (far.passed, far.largest_score_shift_near_threshold) == (True, None)
    assert near.faults == ("A score near the threshold moves by 0.03, past 0.025.",)


def test_a_flipped_evaluation_is_refused() -> None:
    """However little the score moves: what crosses the threshold is refused, and the frame is named."""
    found = compared(cascade(0.900001), cascade(0.899999), precision="int8")
    assert (found.flipped, found.faults) == (("kos01/Part5",), ("1 evaluation flips.",))
    with pytest.raises(ParityRefused, match=r"kos01/Part5 +0\.900001 +0\.899999 +NOT_OK +OK"):
        parity.check(found)


def test_the_guard_band_counts_as_an_evaluation() -> None:
    """From not decidable to OK is a flip too."""
    policy = Policy(threshold=0.9, guard_band=0.1)
    found = compared(cascade(0.8001), cascade(0.7999), policy=policy)
    assert (found.frames[0].torch_evaluation, found.frames[0].onnx_evaluation) == ("NOT_DECIDABLE", "OK")
    assert found.flipped == ("kos01/Part5",)


@pytest.mark.parametrize(
    ("pixels", "overlap", "passed"),
    [
        ((0, 0), 1.0, True),
        ((19, 10), 10 / 19, True),  # too small to judge
        ((40, 38), 38 / 40, True),  # two pixels at the edge
        ((40, 37), 37 / 40, False),
        ((20, 0), 0.0, False),
    ],
)
def test_masks_must_overlap(pixels: tuple[int, int], overlap: float, passed: bool) -> None:  # noqa: FBT001 - a table
    """Masks of 20 pixels or more must overlap, two pixels at the edge left aside; smaller ones are only reported."""
    first, second = pixels
    found = compared(cascade(0.3, first), cascade(0.3, second))
    assert (found.frames[0].mask_iou, found.passed) == (overlap, passed)
    assert found.largest_map_difference == (0.0 if first == second else 1.0)


def test_classes_are_compared_one_by_one() -> None:
    """Masks of two classes that have changed places do not overlap, though together they mark the same pixels."""
    planes = np.zeros((1, 3, 8, 8), np.float32)
    planes[:, 1, :4], planes[:, 2, 4:] = 1.0, 1.0
    swapped = planes[:, [0, 2, 1]]
    found = parity.compare(
        Scripted({MASK: planes}),
        Scripted({MASK: swapped}),
        manner("segmentation", 3),
        POLICY,
        [FRAME],
        precision="int8",
    )
    assert (found.frames[0].mask_iou, found.faults) == (0.0, ("Masks overlap by 0.000 only, below 0.95.",))


@pytest.mark.parametrize("value", [float("nan"), 1.5, -0.1])
@pytest.mark.parametrize("side", ["trained network", "exported model"])
def test_no_number_is_refused_at_once(value: float, side: str) -> None:
    """Where one of both gives no probability, nothing is compared: no --force publishes what cannot be served."""
    good, broken = cascade(0.3), cascade(value)
    pair = (broken, good) if side == "trained network" else (good, broken)
    with pytest.raises(ParityRefused, match=f"The {side} gives no answer to kos01/Part5"):
        compared(*pair)


def test_classifications_have_no_masks() -> None:
    """Probabilities of classes give scores and evaluations alone."""
    said = {PROBABILITIES: np.array([[0.05, 0.95]], np.float32)}
    found = parity.compare(
        Scripted(said), Scripted(said), manner("classification", 2), POLICY, [FRAME], precision="fp32"
    )
    (frame,) = found.frames
    assert (frame.torch_score, frame.torch_evaluation) == (0.95, "NOT_OK")
    assert (frame.mask_iou, frame.map_difference, found.least_mask_iou, found.largest_map_difference) == (None,) * 4


def test_reconstructions_are_compared_by_their_residuals() -> None:
    """Of an anomaly, maps are residuals: what it draws otherwise moves its score."""
    first, second = (Scripted({RECONSTRUCTION: np.full((1, 1, 64, 64), value, np.float32)}) for value in (0.2, 0.25))
    found = parity.compare(first, second, manner("anomaly"), Policy(threshold=0.5), [FRAME], precision="int8")
    assert found.largest_map_difference == pytest.approx(0.05, abs=1e-6)
    assert found.largest_score_shift == pytest.approx(0.05, abs=2e-6)


def test_tiles_are_cut_and_merged() -> None:
    """Of a tiled recipe the models see tiles, and the frame's score and mask are those of all its tiles."""
    pixels = np.arange(64 * 64, dtype=np.uint32).reshape(64, 64).astype(np.uint8)
    said = {MASK: np.zeros((2, 1, 64, 32), np.float32)}
    other = {MASK: said[MASK].copy()}
    other[MASK][1] = 1.0
    models = Scripted(said), Scripted(other)
    tiled = manner("segmentation", tiling=Tiling(height=64, width=32, stride_y=1, stride_x=32))
    found = parity.compare(*models, tiled, POLICY, [NamedFrame("tiled", pixels)], precision="fp32")
    for each in models:
        np.testing.assert_array_equal(each.seen[0], np.stack([pixels[None, :, :32], pixels[None, :, 32:]]))
    assert (found.frames[0].torch_score, found.frames[0].onnx_score) == (0.0, 1.0)
    assert (found.frames[0].mask_px, found.frames[0].mask_px_apart) == (64 * 32, 64 * 32)


def test_colour_frames_are_shown_as_planes() -> None:
    """An RGB frame, (H, W, 3), reaches the models as (1, 3, H, W)."""
    models = Scripted({PROBABILITIES: np.array([[0.5]], np.float32)})
    colour = NamedFrame("red", np.full((4, 5, 3), (255, 0, 0), np.uint8))
    parity.compare(models, models, manner("classification"), POLICY, [colour], precision="fp32")
    assert models.seen[0].shape == (1, 3, 4, 5)
    assert models.seen[0][0, :, 0, 0].tolist() == [255, 0, 0]


def test_areas_decide_where_the_policy_limits_them() -> None:
    """Where a policy limits areas, a mask that grows past the limit flips the evaluation; scores do not matter."""
    policy = Policy(threshold=0.9, areas={"thread": AreaLimits(max_px=100)})
    small, large = (np.zeros((1, 2, 64, 64), np.float32) for _ in range(2))
    small[:, 1, :10, :10], large[:, 1, :10, :11] = 1.0, 1.0
    for planes in (small, large):
        planes[:, 0] = 1 - planes[:, 1]
    both, of = (Scripted({MASK: small}), Scripted({MASK: large})), manner("segmentation", 2)
    found = parity.compare(*both, of, policy, [FRAME], precision="int8", classes=("background", "thread"))
    assert (found.frames[0].torch_evaluation, found.frames[0].onnx_evaluation) == ("OK", "NOT_OK")
    with pytest.raises(InvalidParameter, match="give the names of all the mask's channels"):
        parity.compare(*both, of, policy, [FRAME], precision="int8")


def test_logits_are_compared() -> None:
    """The largest difference in front of a sigmoid is told, over all answers that have one."""
    trained = Scripted(cascade(0.3), logits={SCORE: np.array([[1.0]]), MASK: np.array([[[[2.0, np.inf]]]])})
    exported = Scripted(cascade(0.3), logits={SCORE: np.array([[1.5]]), MASK: np.array([[[[1.0, np.inf]]]])})
    found = parity.compare(trained, exported, manner("cascade"), POLICY, [FRAME], precision="fp32")
    assert found.largest_logit_difference == 1.0
    assert compared(cascade(0.3), cascade(0.3)).largest_logit_difference is None


def test_at_least_one_frame_is_needed() -> None:
    """No frame shows nothing, so nothing passes."""
    with pytest.raises(InvalidParameter, match="There is no frame to compare the models on"):
        parity.compare(Scripted({}), Scripted({}), manner("cascade"), POLICY, [], precision="fp32")


def test_the_refusal_shows_the_worst_ten_frames() -> None:
    """The table has ten rows at most, the flipped ones first, and says how to publish all the same."""
    trained = Scripted(*(cascade(0.95 if number == 7 else 0.5) for number in range(20)))
    exported = Scripted(*(cascade(0.85 if number == 7 else 0.5 + number / 100) for number in range(20)))
    frames = [NamedFrame(f"part{number}", FRAME.pixels) for number in range(20)]
    found = parity.compare(trained, exported, manner("cascade"), POLICY, frames, precision="fp32")
    with pytest.raises(ParityRefused) as refused:
        parity.check(found)
    sentence, table = refused.value.message.split("\n\n")
    rows = [line.split() for line in table.split("\n")]
    assert "--force REASON publishes all the same" in sentence
    assert rows[0] == ["frame", "torch", "score", "onnx", "score", "torch", "onnx", "IoU"]
    assert rows[1] == ["part7", "0.950000", "0.850000", "NOT_OK", "OK", "1.000"]
    assert [row[0] for row in rows[2:]] == [f"part{number}" for number in range(19, 10, -1)]


def test_parity_json_can_be_read_again() -> None:
    """What is written beside a model is the comparison, whole, with the versions that made it."""
    found = compared(cascade(0.3, 30), cascade(0.31, 26))
    assert Parity.model_validate_json(found.as_json()) == found
    assert found.as_json().endswith(b"}\n")
    assert set(json.loads(found.as_json())["versions"]) == {"torch", "onnx", "onnxruntime"}

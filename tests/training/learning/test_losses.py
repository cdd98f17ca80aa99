import math
from typing import Any

import numpy as np
import pytest
import torch
from segmentation_models_pytorch.losses import DiceLoss
from torch.nn import functional
from torchmetrics.functional.image import structural_similarity_index_measure

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.training import Loss
from flawgate_training.learning import losses
from flawgate_training.learning.losses import loss_of
from flawgate_training.learning.targets import distance_weights

RNG = torch.Generator().manual_seed(0)
ONE = torch.randn(3, 1, 8, 8, generator=RNG)
MASKS = torch.randint(0, 2, (3, 8, 8), generator=RNG, dtype=torch.uint8)
SEVERAL = torch.randn(3, 4, 8, 8, generator=RNG)
INDICES = torch.randint(0, 4, (3, 8, 8), generator=RNG, dtype=torch.uint8)
SOFT = torch.rand(3, 1, 8, 8, generator=RNG)
FRAMES = torch.randint(0, 256, (2, 3, 16, 24), generator=RNG, dtype=torch.uint8)
DRAWN = torch.rand(2, 3, 16, 24, generator=RNG)


def loss(name: str, *arguments: torch.Tensor, **settings: Any) -> float:
    """The loss of this name and these settings."""
    return float(loss_of(Loss.model_validate({"name": name} | settings))(*arguments))


def test_bce_by_hand() -> None:
    """A logit of 0 costs ln 2 whatever the target; one of ln 3 for a defect, probability 3/4, costs ln 4/3."""
    logits = torch.tensor([[0.0], [math.log(3)]])
    assert loss("bce", logits, torch.tensor([0, 1])) == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)


def test_a_positive_weight_moves_the_point_of_doubt() -> None:
    """With a weight of 9, what is as likely good as defective costs least where it is answered 0.9."""
    doubtful = torch.tensor([[0.5]])
    scores = torch.linspace(0.01, 0.99, 99)
    costs = [float(losses.bce(torch.logit(score).reshape(1, 1), doubtful, positive_weight=9)) for score in scores]
    assert float(scores[int(np.argmin(costs))]) == pytest.approx(0.9)


def test_any_class_is_a_defect_to_one_output() -> None:
    """With one channel, every index above 0 counts as a defect."""
    logits = ONE[:, :, 0, 0]
    assert loss("bce", logits, torch.tensor([0, 3, 2])) == loss("bce", logits, torch.tensor([0, 1, 1]))


def test_bce_refuses_several_outputs() -> None:
    """The binary cross-entropy of a network of several outputs is refused, and the right loss is named."""
    with pytest.raises(InvalidExperiment, match="use cross_entropy"):
        loss("bce", SEVERAL, INDICES)


def test_cross_entropy_of_classes_is_torchs() -> None:
    """With smoothing and weights by inverse frequency, the cross-entropy of several classes is torch's own."""
    logits, labels = SEVERAL[:, :, 0, 0], torch.tensor([0, 1, 3])
    measure = loss_of(Loss(name="cross_entropy", smoothing=0.1, balanced=True), [10, 20, 5, 5])
    weights = torch.tensor([1.0, 0.5, 2.0, 2.0])
    expected = functional.cross_entropy(logits, labels, weight=weights, label_smoothing=0.1)
    torch.testing.assert_close(measure(logits, labels), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_one_output_is_that_of_two(smoothing: float) -> None:
    """One output and its sigmoid cost as much as two and their softmax, with weights and smoothing."""
    logit, labels = ONE[:, :, 0, 0], torch.tensor([0, 1, 1])
    measure = loss_of(Loss(name="cross_entropy", smoothing=smoothing, balanced=True), [3, 1])
    two = torch.cat([torch.zeros_like(logit), logit], dim=1)
    weights = torch.tensor([2 / 3, 2.0])
    each = functional.cross_entropy(two, labels, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(measure(logit, labels), (each * weights[labels]).sum() / weights[labels].sum())


def test_focal_of_one_output_by_hand() -> None:
    """A defect of probability 3/4 costs (1/4)^gamma ln 4/3, a good pixel of the same (3/4)^gamma ln 4."""
    logits = torch.full((2, 1), math.log(3))
    expected = (0.25**1.5 * math.log(4 / 3) + 0.75**1.5 * math.log(4)) / 2
    assert loss("focal", logits, torch.tensor([1, 0]), gamma=1.5) == pytest.approx(expected)


def test_focal_of_classes_by_hand() -> None:
    """A pixel whose class has probability 1/2 costs (1/2)^2 ln 2; without focus, ln 2."""
    logits = torch.tensor([[0.0, 0.0, -1e9]])
    assert loss("focal", logits, torch.tensor([1])) == pytest.approx(math.log(2) / 4)
    assert loss("focal", logits, torch.tensor([1]), gamma=0) == pytest.approx(math.log(2))


@pytest.mark.parametrize(("mode", "logits", "masks"), [("binary", ONE, MASKS), ("multiclass", SEVERAL, INDICES)])
def test_dice_is_that_of_smp(mode: str, logits: torch.Tensor, masks: torch.Tensor) -> None:
    """Dice, of one channel and of several, is that of segmentation-models-pytorch, which halves the smoothing."""
    expected = DiceLoss(mode, smooth=0.5)(logits, masks.long())
    assert loss("dice", logits, masks) == pytest.approx(float(expected))


def test_dice_of_a_batch_without_defects() -> None:
    """Where there is no defect, Dice falls to 0 as the map does, and is never undefined."""
    none = torch.zeros(1, 8, 8, dtype=torch.uint8)
    assert loss("dice", torch.full((1, 1, 8, 8), -30.0), none) == pytest.approx(0.0, abs=1e-6)
    assert loss("dice", torch.full((1, 1, 8, 8), 30.0), none) == pytest.approx(1 - 1 / 65)


@pytest.mark.parametrize(("logits", "masks"), [(ONE, MASKS), (SEVERAL, INDICES)])
def test_dice_ce_is_the_sum(logits: torch.Tensor, masks: torch.Tensor) -> None:
    """Dice and cross-entropy are added one to one."""
    parts = loss("dice", logits, masks) + loss("cross_entropy", logits, masks)
    assert loss("dice_ce", logits, masks) == pytest.approx(parts)


@pytest.mark.parametrize("name", ["bce", "cross_entropy", "focal", "dice", "dice_ce"])
def test_soft_targets(name: str) -> None:
    """With one channel, soft targets of 0 and 1 cost what the mask costs, and others cost something else."""
    assert loss(name, ONE, MASKS.float()[:, None]) == pytest.approx(loss(name, ONE, MASKS))
    assert loss(name, ONE, SOFT) != pytest.approx(loss(name, ONE, MASKS))


def test_distance_weights_by_hand() -> None:
    """In a 5×5 defect the rim weighs 3 × (1/3)², the ring inside it 3 × (2/3)², the middle 3, the surface 1."""
    mask = np.zeros((9, 9), np.uint8)
    mask[2:7, 2:7] = 1
    weights = distance_weights(mask, power=2, largest=3)
    assert weights[4, 2:7].tolist() == pytest.approx([1 / 3, 4 / 3, 3, 4 / 3, 1 / 3])
    assert weights[mask == 0].tolist() == [1.0] * 56


def test_every_defect_has_a_middle() -> None:
    """A small defect beside a large one, and one at the border, weigh as much in their middle as the large one."""
    mask = np.zeros((20, 20), np.uint8)
    mask[2:9, 2:9] = 1
    mask[14, 14] = 2
    mask[10:13, 0:3] = 1
    weights = distance_weights(mask, power=2, largest=5)
    assert [float(weights[5, 5]), float(weights[14, 14]), float(weights[11, 1])] == [5.0, 5.0, 5.0]


def test_distance_weighted_bce_by_hand() -> None:
    """Each pixel costs its cross-entropy times its weight; the mean goes over all pixels."""
    logits, masks = torch.zeros(1, 1, 2, 2), torch.tensor([[[1, 0], [0, 0]]], dtype=torch.uint8)
    weights = torch.tensor([[[[5.0, 1.0], [1.0, 1.0]]]])
    assert loss("distance_weighted_bce", logits, masks, weights) == pytest.approx(2 * math.log(2))


def test_mse_by_hand() -> None:
    """A grey level of 51, drawn as 0.5, costs (0.5 - 0.2)²."""
    assert loss("mse", torch.full((1, 1, 2, 2), 0.5), torch.full((1, 1, 2, 2), 51, dtype=torch.uint8)) == pytest.approx(
        0.09
    )


def test_ssim_of_flat_frames_by_hand() -> None:
    """Of two flat frames a and b, the similarity is (2ab + c) / (a² + b² + c) with c = 0.01²."""
    drawn, frame = torch.full((1, 1, 16, 16), 0.5), torch.full((1, 1, 16, 16), 51, dtype=torch.uint8)
    similarity = (2 * 0.5 * 0.2 + 1e-4) / (0.5**2 + 0.2**2 + 1e-4)
    assert loss("mse_ssim", drawn, frame, ssim=1.0) == pytest.approx(1 - similarity, rel=1e-4)


def test_mse_ssim_mixes() -> None:
    """The shares of the two terms are those asked for, the similarity is that of torchmetrics."""
    similarity = structural_similarity_index_measure(DRAWN, FRAMES / 255, data_range=1.0)
    assert isinstance(similarity, torch.Tensor)
    expected = 0.75 * loss("mse", DRAWN, FRAMES) + 0.25 * (1 - float(similarity))
    assert loss("mse_ssim", DRAWN, FRAMES, ssim=0.25) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "dice", "dice_ce"])
def test_half_precision_logits(name: str) -> None:
    """Logits in float16 are judged in float32: the loss is finite, of that type, and near that of full precision."""
    measured = getattr(losses, name)(1000 * SEVERAL.half(), INDICES)
    assert measured.dtype == torch.float32
    assert float(measured) == pytest.approx(float(getattr(losses, name)(1000 * SEVERAL, INDICES)), rel=1e-2)

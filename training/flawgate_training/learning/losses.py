"""The losses, each a function of a network's answer and what it should have been.

Logits are (N, K, ...), float, any real number. Targets are, for every loss of logits, one of

- indices of classes, (N, ...), uint8 or int64; with one channel of logits (K = 1), any index above 0 is "defective";
- with one channel, soft targets of the logits' own shape, float32, 0–1.

Every loss is a scalar, float32, 0 or more, and is computed in float32 whatever the precision of the network.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics.functional.image import structural_similarity_index_measure

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.training import Loss

Measure = Callable[..., Tensor]
"""A network's answer, the target, and for `distance_weighted_bce` the weights → the loss."""

_LAPLACE = 1.0
"""Added to both parts of the Dice ratio, in pixels: defined, and with a gradient, where a batch holds no defect."""


def bce(logits: Tensor, targets: Tensor, *, positive_weight: float = 1.0) -> Tensor:
    """Binary cross-entropy, averaged over every element. Paper d, section 3, uses it for both stages.

    With a weight w of the positive part, the answer to what is as likely good as defective is w / (1 + w): 9 puts that
    point at a threshold of 0.9.

    Args:
        logits: one channel.
        targets: see the module.
        positive_weight: what a missed defect costs, in false alarms; above 0.

    Raises:
        InvalidExperiment: the network has several outputs.
    """
    if logits.shape[1] != 1:
        raise InvalidExperiment(
            f"The loss bce is for a network of one output, but this one has {logits.shape[1]}; use cross_entropy.",
            {"field": "loss"},
        )
    weight = logits.new_tensor(positive_weight, dtype=torch.float32)
    return functional.binary_cross_entropy_with_logits(logits.float(), _soft(targets), pos_weight=weight)


def cross_entropy(
    logits: Tensor, targets: Tensor, *, smoothing: float = 0.0, weights: Sequence[float] | None = None
) -> Tensor:
    """Cross-entropy; of one channel, the binary one.

    Args:
        logits: one channel, or one per class.
        targets: see the module.
        smoothing: share of the target that is spread evenly over the classes, 0–1.
        weights: of the classes (two where there is one channel); the mean is weighted by them. None: all 1.
    """
    weight = None if weights is None else torch.tensor(weights, device=logits.device)
    if logits.shape[1] != 1:
        return functional.cross_entropy(logits.float(), targets.long(), weight=weight, label_smoothing=smoothing)
    soft = _soft(targets)
    smooth = soft * (1 - smoothing) + smoothing / 2
    each = functional.binary_cross_entropy_with_logits(logits.float(), smooth, reduction="none")
    if weight is None:
        return each.mean()
    shares = weight[0] + (weight[1] - weight[0]) * soft
    return (each * shares).sum() / shares.sum()


def focal(logits: Tensor, targets: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Cross-entropy of which well-judged elements count little (Lin 2017, equation 4), averaged over every element.

    Args:
        logits: one channel, or one per class.
        targets: see the module.
        gamma: exponent of the distance between probability and target; 0 leaves the cross-entropy.
    """
    if logits.shape[1] == 1:
        soft = _soft(targets)
        each = functional.binary_cross_entropy_with_logits(logits.float(), soft, reduction="none")
        return (each * (logits.float().sigmoid() - soft).abs() ** gamma).mean()
    each = functional.cross_entropy(logits.float(), targets.long(), reduction="none")
    return (each * (1 - torch.exp(-each)) ** gamma).mean()


def dice(logits: Tensor, targets: Tensor) -> Tensor:
    """One minus the Dice ratio of the whole batch, with Laplace smoothing of 1; of several classes, their mean.

    Args:
        logits: one channel, or one per class.
        targets: see the module.
    """
    if logits.shape[1] == 1:
        likely, truth = logits.float().sigmoid(), _soft(targets)
    else:
        likely = logits.float().softmax(dim=1)
        truth = functional.one_hot(targets.long(), logits.shape[1]).movedim(-1, 1).float()
    over = [0, *range(2, logits.ndim)]
    shared, both = (likely * truth).sum(over), (likely + truth).sum(over)
    return (1 - (2 * shared + _LAPLACE) / (both + _LAPLACE)).mean()


def dice_ce(logits: Tensor, targets: Tensor) -> Tensor:
    """Dice and cross-entropy, one to one; of one channel, Dice and binary cross-entropy.

    Args:
        logits: one channel, or one per class.
        targets: see the module.
    """
    return dice(logits, targets) + cross_entropy(logits, targets)


def distance_weighted_bce(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy whose pixels are weighted, averaged over every pixel (SegDec 2021, section 3.3).

    Args:
        logits: one channel.
        targets: see the module.
        weights: (N, 1, h, w), float32, 0 or more: `targets.distance_weights`.
    """
    each = functional.binary_cross_entropy_with_logits(logits.float(), _soft(targets), reduction="none")
    return (each * weights).mean()


def mse(drawn: Tensor, frames: Tensor) -> Tensor:
    """Mean squared difference of a reconstruction.

    Args:
        drawn: (N, C, H, W), float, 0–1.
        frames: (N, C, H, W), uint8, 0–255.
    """
    return functional.mse_loss(drawn.float(), frames.float() / 255.0)


def mse_ssim(drawn: Tensor, frames: Tensor, *, ssim: float = 0.5) -> Tensor:
    """Mean squared difference and one minus the structural similarity (Wang 2004, Gaussian of sigma 1.5).

    Args:
        drawn: (N, C, H, W), float, 0–1; at least 6 pixels high and wide.
        frames: (N, C, H, W), uint8, 0–255.
        ssim: share of the second term, 0–1.
    """
    with torch.autocast(drawn.device.type, enabled=False):  # variances in float16 would be noise
        alike = structural_similarity_index_measure(drawn.float(), frames.float() / 255.0, data_range=1.0)
    if not isinstance(alike, Tensor):
        raise TypeError("torchmetrics gives more than the similarity only where it is asked to")
    return (1 - ssim) * mse(drawn, frames) + ssim * (1 - alike)


def loss_of(config: Loss, counts: Sequence[int] | None = None) -> Measure:
    """The loss that an experiment names, with its parameters.

    Args:
        config: of a stage.
        counts: how many frames there are of each class, for a loss that weighs them by their inverse frequency.
    """
    measures: dict[str, Measure] = {
        "bce": partial(bce, positive_weight=config.positive_weight),
        "cross_entropy": partial(cross_entropy, smoothing=config.smoothing, weights=_weights(config, counts)),
        "focal": partial(focal, gamma=config.gamma),
        "dice": dice,
        "dice_ce": dice_ce,
        "distance_weighted_bce": distance_weighted_bce,
        "mse": mse,
        "mse_ssim": partial(mse_ssim, ssim=config.ssim),
    }
    return measures[config.name]


def _weights(config: Loss, counts: Sequence[int] | None) -> tuple[float, ...] | None:
    """All frames over the number of classes and those of each class; 1 throughout where they are equally many."""
    if not config.balanced or counts is None:
        return None
    return tuple(sum(counts) / (len(counts) * max(count, 1)) for count in counts)


def _soft(targets: Tensor) -> Tensor:
    return targets if targets.is_floating_point() else (targets > 0).float().unsqueeze(1)

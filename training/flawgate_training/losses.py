"""The losses, as functions of logits."""

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy, averaged over every element: paper d uses it for both stages.

    Args:
        logits: any shape, float32, any real number.
        targets: the same shape, float32, 0–1; soft targets are allowed.

    Returns:
        A scalar, 0 or more.
    """
    return functional.binary_cross_entropy_with_logits(logits, targets)

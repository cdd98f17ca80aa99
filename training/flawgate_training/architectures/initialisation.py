"""Random weights to begin with, of the networks that are not a library's."""

from torch import nn

PRIOR_LOGIT = -4.0
"""Where a defect map starts: most pixels are good, and learning that from 0 would cost the first epoch."""


def he_normal(module: nn.Module) -> None:
    """Random normal weights of one convolution, scaled by fan-out so that gradients keep their size (He 2015).

    For `nn.Module.apply`; other layers keep what torch gives them. Paper d, section 3, asks for normal weights.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def start_at(head: nn.Conv2d, logit: float) -> None:
    """Let the last convolution answer about `logit` everywhere at first.

    Args:
        head: the convolution that gives logits.
        logit: any real number; `PRIOR_LOGIT` for a defect map.
    """
    nn.init.normal_(head.weight, std=0.01)
    if head.bias is not None:
        nn.init.constant_(head.bias, logit)

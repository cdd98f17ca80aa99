"""Grad-CAM: where a classifier looked (Selvaraju 2017, section 3)."""

import torch
from torch import Tensor, nn

from flawgate_training.architectures.networks import Cascade


def grad_cam(network: nn.Module, layer: nn.Module, frames: Tensor, target: int) -> Tensor:
    """Weigh a layer's maps by the mean of their gradients, and keep what speaks for the class.

    Args:
        network: a `Classifier`, or a `Cascade`, of which its classification is explained; in evaluation mode.
        layer: a convolutional one of it, see `registry.cam_layer`.
        frames: (N, C, H, W), uint8, 0–255.
        target: index of the logit to explain; 0 of a network with one.

    Returns:
        (N, H, W), float32, 0–1 in each frame: 1 where most speaks for the class; 0 throughout where nothing does.
    """
    seen: list[Tensor] = []

    def cut(_layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        """Gradients are wanted of what comes after the layer alone, be its weights frozen or not."""
        seen.append(output.detach().requires_grad_())
        return seen[-1].clone()

    handle = layer.register_forward_hook(cut)
    try:
        with torch.enable_grad():
            score = _logits(network, frames)[:, target].sum()
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(score, seen)
    cam = (seen[0].detach() * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1, keepdim=True).relu()
    cam = nn.functional.interpolate(cam, frames.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    cam = cam - cam.amin(dim=(1, 2), keepdim=True)
    return cam / cam.amax(dim=(1, 2), keepdim=True).clamp_min(1e-7)


def _logits(network: nn.Module, frames: Tensor) -> Tensor:
    logits: Tensor = (
        network.classification(network.segmentation(frames)) if isinstance(network, Cascade) else network(frames)
    )
    return logits

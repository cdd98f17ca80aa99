"""Where a classifier looked: Grad-CAM (Selvaraju 2017, section 3), or HiResCAM (Draelos and Carin 2020, section 3)."""

import torch
from torch import Tensor, nn

from flawgate_training.architectures.networks import Cascade


def explained(network: nn.Module, layer: nn.Module, frames: Tensor, target: int) -> Tensor:
    """Grad-CAM, and HiResCAM of the frames about which it says nothing.

    Where a head takes maxima of the maps, as `leather_cnn` may, gradients are wide apart from place to place: their
    mean over the map, by which Grad-CAM weighs, then may speak against the class everywhere.

    Args:
        network: a `Classifier`, or a `Cascade`, of which its classification is explained; in evaluation mode.
        layer: a convolutional one of it, see `registry.cam_layer`.
        frames: (N, C, H, W), uint8, 0–255.
        target: index of the logit to explain; 0 of a network with one.

    Returns:
        (N, H, W), float32, 0–1 in each frame: 1 where most speaks for the class; 0 throughout where nothing does.
    """
    seen = _seen(network, layer, frames, target)
    usual, close = _by_means(*seen, frames), _place_by_place(*seen, frames)
    silent = usual.amax(dim=(1, 2), keepdim=True) == 0
    return torch.where(silent, close, usual)


def grad_cam(network: nn.Module, layer: nn.Module, frames: Tensor, target: int) -> Tensor:
    """Weigh a layer's maps by the mean of their gradients, and keep what speaks for the class. See `explained`."""
    return _by_means(*_seen(network, layer, frames, target), frames)


def hires_cam(network: nn.Module, layer: nn.Module, frames: Tensor, target: int) -> Tensor:
    """Weigh every place of a layer's maps by its own gradient, and keep what speaks for the class. See `explained`."""
    return _place_by_place(*_seen(network, layer, frames, target), frames)


def _by_means(maps: Tensor, gradient: Tensor, frames: Tensor) -> Tensor:
    return _stretched((maps * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1, keepdim=True), frames)


def _place_by_place(maps: Tensor, gradient: Tensor, frames: Tensor) -> Tensor:
    return _stretched((maps * gradient).sum(dim=1, keepdim=True), frames)


def _seen(network: nn.Module, layer: nn.Module, frames: Tensor, target: int) -> tuple[Tensor, Tensor]:
    """A layer's maps, (N, K, h, w), and the gradient of the logit by them."""
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
    return seen[0].detach(), gradient


def _stretched(cam: Tensor, frames: Tensor) -> Tensor:
    """What is above 0, (N, 1, h, w), at the size of the frames, each from 0 to 1."""
    cam = nn.functional.interpolate(cam.relu(), frames.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    cam = cam - cam.amin(dim=(1, 2), keepdim=True)
    return cam / cam.amax(dim=(1, 2), keepdim=True).clamp_min(1e-7)


def _logits(network: nn.Module, frames: Tensor) -> Tensor:
    logits: Tensor = (
        network.classification(network.segmentation(frames)) if isinstance(network, Cascade) else network(frames)
    )
    return logits

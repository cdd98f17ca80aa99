"""Work on a network before it is exported, and on its graph afterwards: the same answers by fewer, faster operators."""

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from timm.layers.norm_act import BatchNormAct2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from flawgate_training.export.rewriting import rewrite

__all__ = ["fold", "rewrite"]

_Fuse = Callable[[Any, Any], nn.Module]

_APART = (nn.ModuleList, nn.ModuleDict)
"""What stands side by side in these is not computed one after the other."""


def fold(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose convolutions and linear layers have taken batch normalisation into their weights.

    A normalisation registered right behind a layer of as many channels is taken to be computed right behind it, as it
    is in every architecture of the registry; the parity gate would refuse one where it is not.

    Args:
        network: trained. It is left as it is.
    """
    folded = copy.deepcopy(network).eval()
    for parent in list(folded.modules()):
        if not isinstance(parent, _APART):
            for layer, norm in list(pairwise(parent.named_children())):
                _fold(parent, layer, norm)
    return folded


def _fold(parent: nn.Module, before: tuple[str, nn.Module], behind: tuple[str, nn.Module]) -> None:
    name, norm = behind
    holder, place, layer = _last(parent, *before)
    fuse = _fusing(layer, norm)
    if fuse is not None:
        setattr(holder, place, fuse(layer, norm))
        setattr(parent, name, norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity())


def _last(holder: nn.Module, name: str, module: nn.Module) -> tuple[nn.Module, str, nn.Module]:
    """The layer that a module ends with, inside of sequences, with its place."""
    while isinstance(module, nn.Sequential) and len(module) > 0:
        holder, (name, module) = module, list(module.named_children())[-1]
    return holder, name, module


def _fusing(layer: nn.Module, norm: nn.Module) -> _Fuse | None:
    return next((fuse for fits, fuse in _PAIRS if fits(layer, norm)), None)


def _is_convolution(layer: nn.Module, norm: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and layer.out_channels == norm.num_features


def _is_transposed(layer: nn.Module, norm: nn.Module) -> bool:
    # torch's own arithmetic takes the channels of all groups for those of one.
    return (
        isinstance(layer, nn.ConvTranspose2d)
        and layer.groups == 1
        and isinstance(norm, nn.BatchNorm2d)
        and layer.out_channels == norm.num_features
    )


def _is_linear(layer: nn.Module, norm: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d) and layer.out_features == norm.num_features


def _fuse_transposed(layer: nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> nn.Module:
    return fuse_conv_bn_eval(layer, norm, transpose=True)


_PAIRS: tuple[tuple[Callable[[nn.Module, nn.Module], bool], _Fuse], ...] = (
    (_is_convolution, fuse_conv_bn_eval),
    (_is_transposed, _fuse_transposed),
    (_is_linear, fuse_linear_bn_eval),
)

"""Names of an encoder's keys: those of timm's networks, where segmentation-models-pytorch has others."""

from collections.abc import Mapping

import timm
import torch
from torch import Tensor, nn

_TWINS = ("tf_efficientnet_b0", "tf_efficientnet_b1", "tf_efficientnet_b2", "mobilenetv2_100")
"""timm's networks of the same layers, in the same order, as an encoder with keys of its own. ResNets have timm's."""

_STEM = "conv_stem.weight"


def as_encoder_names_them(state: Mapping[str, Tensor], encoder: nn.Module) -> dict[str, Tensor]:
    """Rename timm's keys to those of the same layers in an encoder; unknown ones, and other files, stay.

    The encoders compute what timm's `tf_` EfficientNets do (B1 and B2 pad one strided convolution by a pixel more).
    Those without `tf_` have the same keys but pad every strided convolution otherwise and normalise with another
    epsilon, so their weights fit less well; nothing in a file tells them apart.

    Args:
        state: tensors of a file, by key.
        encoder: one of `segmentation_models.Encoder`.
    """
    own = encoder.state_dict()
    if _STEM not in state or _STEM in own:
        return dict(state)
    names = _names(own)
    return {names.get(key, key): value for key, value in state.items()}


def _names(own: Mapping[str, Tensor]) -> dict[str, str]:
    """Key of timm → the encoder's, by the order in which both define their layers."""
    sizes = [value.shape[:1] for value in own.values()]
    for twin in _TWINS:
        with torch.device("meta"):
            timms = timm.create_model(twin, pretrained=False).state_dict()
        if [value.shape[:1] for value in timms.values()][: len(sizes)] == sizes:
            return dict(zip(timms, own, strict=False))
    return {}

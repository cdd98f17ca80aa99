"""Weights from a file: a whole network as a run saves it, or an encoder as smp, timm or torchvision name its keys."""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.architectures.encoder_names import as_encoder_names_them

_FIELD = {"field": "network.weights"}

_COUNTER = "num_batches_tracked"

_BEYOND_ENCODERS = ("fc.", "_fc.", "classifier.", "decoder.", "segmentation_head.", "classification_head.")
"""How keys begin that a file may hold beyond an encoder."""

_UNUSED = ("_conv_head.", "_bn1.")
"""Layers that an EfficientNet encoder holds and never uses: files may lack them."""


@dataclass(frozen=True)
class _Fit:
    """How a file meets a module: what goes in, what the module lacks, and what has no place in it."""

    module: nn.Module
    found: dict[str, Tensor]
    missing: tuple[str, ...]
    surplus: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return bool(self.found) and not self.missing and not self.surplus


def load(network: nn.Module, file: Path, architecture: str) -> None:
    """Begin from the weights in a file.

    A head of another size stays random; a first layer for three channels is summed for one.

    Args:
        network: as built by the registry; changed in place.
        file: .pt or .pth (a state dict, bare or under `state_dict`), or .safetensors.
        architecture: its name, for the error's sentence.

    Raises:
        InvalidExperiment: the file is missing or holds no weights, or fits neither the network nor its encoder.
    """
    state = _read(file)
    best = max(_fits(network, state), key=lambda fit: (fit.whole, len(fit.found)))
    if not best.whole:
        fault = f"lacks {best.missing[0]}" if best.missing else f"has no place for {best.surplus[0]}"
        raise InvalidExperiment(
            f"{file} does not fit {architecture}: {len(best.found)} of its {len(state)} keys do, but it {fault}; give "
            f"weights of {architecture} with the same options, or of its encoder, or leave network.weights out.",
            _FIELD,
        )
    best.module.load_state_dict(best.module.state_dict() | best.found)


def encoder_of(network: nn.Module) -> nn.Module | None:
    """The library's feature extractor within a network, for which weights exist; None in networks that are all ours.

    Of timm's classifiers, it is the classifier itself, head included.
    """
    holder = getattr(network, "segmentation", getattr(network, "body", network))
    if hasattr(holder, "default_cfg"):
        return holder
    encoder = getattr(holder, "encoder", None)
    return encoder if hasattr(encoder, "out_channels") else None


def _read(file: Path) -> Mapping[str, Tensor]:
    if not file.is_file():
        raise InvalidExperiment(
            f"There is no file {file}; correct network.weights, or leave it out to begin from random weights.", _FIELD
        )
    try:
        held = load_file(file) if file.suffix == ".safetensors" else torch.load(file, "cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError, SafetensorError) as err:
        raise _unreadable(file) from err
    state = held.get("state_dict", held) if isinstance(held, Mapping) else {}
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise _unreadable(file)
    return dict(state)


def _unreadable(file: Path) -> InvalidExperiment:
    return InvalidExperiment(
        f"{file} cannot be read as weights; give a .pt file that holds a state dict, or a .safetensors file.", _FIELD
    )


def _fits(network: nn.Module, state: Mapping[str, Tensor]) -> Iterator[_Fit]:
    """Every way in which the file may be meant."""
    yield _fit(network, state)
    body = getattr(network, "body", None)
    if isinstance(body, nn.Module):
        yield _fit(body, state)
    encoder = encoder_of(network)
    if encoder is not None:
        for prefix in ("", "encoder.", "body.encoder.", "segmentation.encoder."):
            within = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
            yield _fit(encoder, as_encoder_names_them(within, encoder), beyond=_BEYOND_ENCODERS)


def _fit(module: nn.Module, state: Mapping[str, Tensor], *, beyond: tuple[str, ...] = ()) -> _Fit:
    own = module.state_dict()
    found = {key: _summed(value, own[key]) for key, value in state.items() if key in own}
    found = {key: value for key, value in found.items() if value.shape == own[key].shape}
    head = _head(module)
    spared = (*_UNUSED, *((f"{head}.",) if head else ()))
    missing = (key for key in own if key not in found and not key.endswith(_COUNTER) and not key.startswith(spared))
    surplus = (key for key in state if key not in own and not key.startswith(beyond))
    return _Fit(module, found, tuple(missing), tuple(surplus))


def _summed(value: Tensor, own: Tensor) -> Tensor:
    """Weights of a first convolution for RGB, (K, 3, h, w), as those of one for grey, (K, 1, h, w)."""
    if value.ndim == own.ndim == 4 and value.shape[1] == 3 and own.shape[1] == 1:
        return value.sum(dim=1, keepdim=True)
    return value


def _head(module: nn.Module) -> str | None:
    """Name of the last layer with weights if that gives the answer, which is of another size for other classes."""
    layers = [name for name, part in module.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    is_encoder = hasattr(module, "out_channels")
    return None if is_encoder else layers[-1]

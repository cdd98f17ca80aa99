"""Every architecture by name, and how a network is made of an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from timm.models.efficientnet import EfficientNet
from timm.models.resnet import ResNet
from torch import nn

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.architectures import (
    commutator,
    commutator_comparators,
    commutator_residual,
    convolutional_autoencoder,
    custom_unet,
    garments,
    leather,
    segmentation_models,
    unet3plus,
    weights,
)
from flawgate_training.architectures.architecture import Architecture, Wanted
from flawgate_training.architectures.networks import Cascade, Classifier
from flawgate_training.experiment.part import Part
from flawgate_training.experiment.schema import Experiment

__all__ = ["ARCHITECTURES", "Architecture", "build", "cam_head", "cam_layer", "check"]

_FAMILIES = (
    segmentation_models,
    custom_unet,
    convolutional_autoencoder,
    unet3plus,
    garments,
    commutator,
    commutator_comparators,
    commutator_residual,
    leather,
)

ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture for family in _FAMILIES for architecture in family.ARCHITECTURES
}
"""By name, ordered by paper."""

_LAST_MAPS: Mapping[type[nn.Module], str] = {
    garments.BaselineCnn: "features.2.1",
    garments.ImprovedCnn: "features.3.1",
    leather.LeatherCnn: "features.2.1",
    ResNet: "layer4",
    EfficientNet: "bn2",
    commutator.ClassificationNetwork: "body",
}
"""The last activation of each kind of classifier that keeps places apart."""

_HEADS: Mapping[type[nn.Module], tuple[str, ...]] = {
    garments.BaselineCnn: ("features.2.2", "decision"),
    garments.ImprovedCnn: ("features.3.2", "features.3.3", "decision"),
    leather.LeatherCnn: ("features.2.2", "decision"),
    ResNet: ("global_pool", "fc"),
    EfficientNet: ("global_pool", "classifier"),
}
"""What is computed behind it, one after the other; a `ClassificationNetwork`'s is no sequence."""


def build(experiment: Experiment, classes: Sequence[str]) -> nn.Module:
    """Make the network of an experiment.

    Args:
        experiment: names the architecture, its options, the task, the input and perhaps a file of weights.
        classes: names of the data set's classes; 0 is the background, or the good one.

    Returns:
        a `Segmenter`, `Classifier`, `Reconstructor` or `Cascade`, with random weights or those of the file.

    Raises:
        InvalidExperiment: see `check`; or there are fewer than two classes to tell apart, or the weights do not fit.
    """
    architecture = check(experiment)
    taken = experiment.input
    outputs = _outputs(architecture, experiment, classes)
    wanted = Wanted(experiment.task, taken.channels, taken.height, taken.width, outputs)
    network = architecture.build(wanted, _options(architecture, experiment))
    if experiment.network.weights is not None:
        weights.load(network, Path(experiment.network.weights), architecture.name)
    return network


def check(experiment: Experiment) -> Architecture:
    """Find the architecture of an experiment, and whether it can do what is asked, without making a network.

    Raises:
        InvalidExperiment: there is no such architecture or option, it cannot do the task, or not at that input size.
    """
    architecture = _named(experiment.network.architecture)
    if experiment.task not in architecture.tasks:
        able = [other.name for other in ARCHITECTURES.values() if experiment.task in other.tasks]
        raise InvalidExperiment(
            f"{architecture.name} cannot do the task {experiment.task}, only {_either(architecture.tasks)}; "
            f"for {experiment.task}, choose {_either(able)}.",
            {"field": "network.architecture"},
        )
    _check_size(architecture, experiment)
    _options(architecture, experiment)
    return architecture


def cam_layer(network: nn.Module) -> nn.Module:
    """The layer of a network that Grad-CAM looks at: the last that keeps places apart.

    Args:
        network: a `Classifier`, or a `Cascade`, of which its classification is looked at.

    Raises:
        InvalidExperiment: the network gives maps, which show by themselves where it looked.
    """
    if isinstance(network, Cascade):
        return network.classification.get_submodule(_LAST_MAPS[type(network.classification)])
    if not isinstance(network, Classifier):
        raise InvalidExperiment(
            "Grad-CAM explains a classification; show this network's own map instead.", {"field": "task"}
        )
    return network.body.get_submodule(_LAST_MAPS[type(network.body)])


def cam_head(network: Classifier) -> tuple[nn.Module, ...]:
    """The layers between `cam_layer` and the logits, in the order of their run; empty where they are not known."""
    return tuple(network.body.get_submodule(name) for name in _HEADS.get(type(network.body), ()))


def _named(name: str) -> Architecture:
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise InvalidExperiment(
            f"There is no architecture {name}; choose {_either(ARCHITECTURES)}.", {"field": "network.architecture"}
        ) from None


def _check_size(architecture: Architecture, experiment: Experiment) -> None:
    sides = experiment.input.height, experiment.input.width
    fitting = tuple(_nearest(side, architecture) for side in sides)
    if fitting != sides:
        rule = f"multiples of {architecture.multiple}" if architecture.multiple > 1 else "sides"
        raise InvalidExperiment(
            f"{architecture.name} takes {rule} from {architecture.smallest} pixels upwards, and its input would be "
            f"{sides[0]}×{sides[1]} (height × width); resize, or tile, to {fitting[0]}×{fitting[1]}.",
            {"field": "tiling" if experiment.tiling else "steps"},
        )


def _nearest(side: int, architecture: Architecture) -> int:
    return max(round(side / architecture.multiple) * architecture.multiple, architecture.smallest)


def _options(architecture: Architecture, experiment: Experiment) -> Part:
    try:
        return architecture.options.model_validate(experiment.network.options)
    except ValidationError as err:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in err.errors())
        taken = architecture.options.model_fields
        raise InvalidExperiment(
            f"Wrong options of {architecture.name}: {faults}. It takes {_either(taken) if taken else 'none'}.",
            {"field": "network.options"},
        ) from err


def _outputs(architecture: Architecture, experiment: Experiment, classes: Sequence[str]) -> int:
    if experiment.task == "anomaly":
        return experiment.input.channels
    if experiment.task == "cascade":
        return 1
    if len(classes) < 2:
        raise InvalidExperiment(
            f"A {experiment.task} tells classes apart, and the data set has only {', '.join(classes) or 'none'}; "
            "add pictures of another class, or learn from good ones alone by the task anomaly.",
            {"field": "data"},
        )
    one = experiment.task == "segmentation" or architecture.one_output_for_two
    return 1 if one and len(classes) == 2 else len(classes)


def _either(names: Sequence[str] | Mapping[str, object]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last

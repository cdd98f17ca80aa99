"""What of an experiment cannot be carried out, said before anything is computed."""

from collections.abc import Iterator

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.schema import Experiment
from flawgate_training.experiment.training import LossName, Stage

_OF_MASKS: frozenset[LossName] = frozenset(
    {"bce", "cross_entropy", "focal", "dice", "dice_ce", "distance_weighted_bce"}
)

_LOSSES: dict[str, frozenset[LossName]] = {
    "segmentation": _OF_MASKS,
    "refinement": _OF_MASKS,
    "classification": frozenset({"bce", "cross_entropy", "focal"}),
    "reconstruction": frozenset({"mse", "mse_ssim"}),
}
"""By the name of the stage."""


def check(experiment: Experiment, *, validated: bool) -> None:
    """Refuse what does not fit together.

    Args:
        experiment: to be carried out.
        validated: whether there are validation frames.

    Raises:
        InvalidExperiment: a loss does not fit its stage, a setting would have no effect, a window is larger than the
            input, or batches cannot be shared among the devices.
    """
    for title, stage in experiment.stages.items():
        for field, fault in _faults(experiment, title, stage, validated=validated):
            where = f"stages.{title}.{field}"
            raise InvalidExperiment(f"{where} of {experiment.name}: {fault}", {"field": where})


def _faults(experiment: Experiment, title: str, stage: Stage, *, validated: bool) -> Iterator[tuple[str, str]]:
    loss, crop, devices = stage.loss, stage.augmentation.crop, experiment.machine.devices
    if loss.name not in _LOSSES[title]:
        yield "loss.name", f"{loss.name} is no loss of a {title}; choose {_either(sorted(_LOSSES[title]))}."
    if loss.balanced and (title != "classification" or loss.name != "cross_entropy"):
        yield "loss.balanced", "classes are weighed in the cross_entropy of a classification alone; leave it out."
    if stage.bank is not None and (experiment.task != "cascade" or title != "classification"):
        yield "bank", "only the classification of a cascade has a frozen stage before it; leave it out."
    if stage.corruption is not None and title != "reconstruction":
        yield "corruption", "only a reconstruction learns to undo it; leave it out."
    if stage.patience is not None and title != list(experiment.stages)[-1]:
        yield "patience", "only the last stage can be validated; leave it out."
    if stage.patience is not None and not validated:
        yield "patience", "there are no validation frames; set data.split.validation above 0, or leave it out."
    if crop is not None and crop > min(experiment.input.height, experiment.input.width):
        size = f"{experiment.input.height}×{experiment.input.width}"
        yield "augmentation.crop", f"the input has only {size} pixels; take a smaller window, or null for whole frames."
    if stage.batch_size % devices:
        yield "batch_size", f"{stage.batch_size} frames cannot be shared among {devices} devices; take a multiple."


def _either(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"

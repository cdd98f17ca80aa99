"""What `flawgate doctor` is told of TensorRT plans."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flawgate_contracts.checkup.findings import Check, Finding, Place, error, ok, skipped, warning
from flawgate_contracts.errors import InvalidParameter
from flawgate_plans import tasks
from flawgate_plans.gpu import Gpu, look

TIMEOUT_S = 60.0
"""A driver that was unloaded takes its time; and every plan is read."""


def checks(place: Place) -> Sequence[Check]:
    """What can be looked at of plans on this machine."""
    return (Check("models", "plans", lambda: findings(place.model_repository, tasks.Tools()), TIMEOUT_S),)


def findings(root: Path, tools: tasks.Tools) -> Iterator[Finding]:
    """Whether the plans of a repository are sound, and those that this machine's GPU needs are there.

    Args:
        root: of the repository.
        tools: of the machine.
    """
    if not root.is_dir():
        yield skipped(f"There is no model repository at {root}.")
        return
    gpu, faults = _gpu(tools), tasks.check_all(root, tools)
    for fault in faults:
        # Without a GPU nobody runs a plan here, yet who copies the repository should know.
        yield warning(*_parts(fault)) if gpu is None else error(*_parts(fault))
    if gpu is None and not faults:
        yield skipped("No NVIDIA GPU answers here, so there is nothing to hold plans against.")
    elif gpu is not None and not faults:
        yield ok(f"No plan that this {gpu.name} (compute capability {gpu.capability}) needs is missing or unsound.")


def _gpu(tools: tasks.Tools) -> Gpu | None:
    try:
        return look(tools.device, tools.nvidia_smi)
    except InvalidParameter:
        return None


def _parts(fault: str) -> tuple[str, str]:
    """What is wrong, and what to do: they are said in one sentence, parted by a semicolon."""
    says, _, advice = fault.rpartition("; ")
    return (f"{says}.", advice[:1].upper() + advice[1:]) if says else (fault, "Run `flawgate build-plans --check`.")

"""What `flawgate build-plans` does, once its options are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flawgate_contracts.errors import InvalidParameter, ParityRefused
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_contracts.repository.lock import changing
from flawgate_plans import trtexec
from flawgate_plans.building import Workshop, build, settle_configuration, stand
from flawgate_plans.checking import check
from flawgate_plans.gpu import Gpu, look
from flawgate_plans.pins import Version, check_driver, pin_of
from flawgate_plans.showing import Outcome, frames_table
from flawgate_plans.trtexec import Trtexec


@dataclass(frozen=True)
class Tools:
    """What the machine builds with.

    Attributes:
        device: number of the GPU.
        trtexec: where it is; None: where it usually is.
        timing_cache: None: one in the repository.
        timeout_s: of each run of trtexec, in seconds.
        pictures: folder of the data set, for golden frames whose pictures are not shipped; None: there is none.
        nvidia_smi: the program that knows the GPU.
    """

    device: int = 0
    trtexec: Path | None = None
    timing_cache: Path | None = None
    timeout_s: float = 1800
    pictures: Path | None = None
    nvidia_smi: str = "nvidia-smi"


def open_workshop(tools: Tools) -> Workshop:
    """Look for GPU and TensorRT.

    Raises:
        InvalidParameter: one of them, or the driver, is missing or not one that plans are built with.
    """
    gpu = look(tools.device, tools.nvidia_smi)
    program = Trtexec(trtexec.find(tools.trtexec), tools.device, tools.timeout_s)
    version = program.version()
    check_driver(pin_of(version), gpu.driver)
    return Workshop(program, version, gpu, tools.timing_cache, tools.pictures)


def build_all(
    root: Path, names: Sequence[str], version: int | None, tools: Tools, *, again: bool
) -> tuple[Outcome, ...]:
    """Build the plans of recipes.

    Args:
        root: of the repository.
        names: of recipes; all where there are none.
        version: of the one recipe named; the active ones where None.
        tools: what to build with.
        again: also where sound plans stand.

    Raises:
        InvalidParameter: no repository, a version without one recipe, or nothing to build with.
        FlawgateError: as `building.build`; the recipes before it are built.
    """
    if version is not None and len(names) != 1:
        raise InvalidParameter("--version needs the name of exactly one recipe.", {"field": "version"})
    repository = _open(root)
    workshop = open_workshop(tools)
    with changing(root):
        chosen = [(name, version or _active(repository, name)) for name in names or repository.recipes()]
        return tuple(_build(repository, name, number, workshop, again=again) for name, number in chosen)


def refuse(outcomes: Sequence[Outcome]) -> None:
    """Say which plans were refused, if any.

    Raises:
        ParityRefused: some were; with a table of the frames.
    """
    refused = [(outcome, outcome.trial) for outcome in outcomes if outcome.trial and not outcome.trial.passed]
    if refused:
        tables = "\n\n".join(
            f"{outcome.recipe} version {outcome.version}, tolerance {trial.proof.tolerance:g}\n{frames_table(trial)}"
            for outcome, trial in refused
        )
        raise ParityRefused(
            f"The plans of {', '.join(outcome.recipe for outcome, _ in refused)} do not judge the golden frames as "
            "they must, and were deleted. Triton goes on with what it had; export with a higher precision and build "
            f"again.\n\n{tables}"
        )


def check_all(root: Path, tools: Tools) -> tuple[str, ...]:
    """What is wrong with the plans of a repository; also where there is neither GPU nor TensorRT.

    Raises:
        InvalidParameter: there is no repository.
        BrokenRecipe: a recipe cannot be read.
    """
    return check(_open(root), _gpu(tools), _version(tools))


def _open(root: Path) -> ModelRepository:
    if not root.is_dir():
        raise InvalidParameter(
            f"There is no model repository {root}; name it with --model-repository.", {"field": "root"}
        )
    return ModelRepository(root)


def _active(repository: ModelRepository, name: str) -> int:
    active = repository.active(name)
    if active is None:
        versions = repository.versions(name)
        # Raises where there is no such recipe.
        repository.recipe(name, versions[-1] if versions else 1)
        raise InvalidParameter(
            f"No version of recipe {name} is active; promote one, or name it with --version.", {"field": "version"}
        )
    return active


def _build(repository: ModelRepository, name: str, version: int, workshop: Workshop, *, again: bool) -> Outcome:
    recipe = repository.recipe(name, version)
    if not again and stand(repository, recipe, workshop):
        return Outcome(name, version, "sound", None, settle_configuration(repository, name, workshop))
    try:
        trial = build(repository, recipe, workshop)
    finally:
        in_force = settle_configuration(repository, name, workshop)
    return Outcome(name, version, "built" if trial.passed else "refused", trial, in_force)


def _gpu(tools: Tools) -> Gpu | None:
    try:
        return look(tools.device, tools.nvidia_smi)
    except InvalidParameter:
        return None


def _version(tools: Tools) -> Version | None:
    try:
        return Trtexec(trtexec.find(tools.trtexec), tools.device, tools.timeout_s).version()
    except InvalidParameter:
        return None

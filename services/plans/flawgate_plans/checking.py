"""Whether plans are what their records say, and belong to the GPU that their name promises."""

from collections.abc import Iterator
from pathlib import Path

from flawgate_contracts.errors import DamagedModel
from flawgate_contracts.recipe import ModelReference, Recipe
from flawgate_contracts.repository.digests import sha256
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_plans import configuration
from flawgate_plans.engine_shape import read_shape
from flawgate_plans.gpu import Gpu
from flawgate_plans.pins import Version
from flawgate_plans.records import FILE, PlanRecord, read_records

BUILDING = ".building"
"""Ends the name of a plan that is not proved yet; where one is left behind, its builder was killed."""


def check(repository: ModelRepository, gpu: Gpu | None, version: Version | None) -> tuple[str, ...]:
    """Look through all versions of all recipes.

    Args:
        repository: with the plans.
        gpu: of this machine; None: none is here, so nobody can miss a plan.
        version: of this machine's TensorRT; None: none is here.

    Returns:
        One sentence for each finding; none where all is well.
    """
    found: list[str] = []
    for name in repository.recipes():
        for number in repository.versions(name):
            recipe = repository.recipe(name, number)
            for model in recipe.models:
                found += _model(repository, recipe, model, version)
        found += _missing(repository, name, gpu)
    return tuple(found)


def fault_of(
    folder: Path, name: str, capability: str, model: ModelReference, version: Version | None = None
) -> str | None:
    """What is wrong with a plan; None where nothing is.

    Args:
        folder: of the model's version.
        name: of the plan's file.
        capability: CUDA compute capability that the name stands for.
        model: that it should be built from.
        version: of the TensorRT that is to run it; None: any.

    Raises:
        DamagedModel: the records cannot be read.
    """
    entry = read_records(folder).plans.get(name)
    if not (folder / name).is_file():
        return "is recorded but missing" if entry else "is missing"
    if entry is None:
        return f"is not recorded in {FILE}, so nobody knows whether it was ever proved"
    if version is not None and entry.tensorrt != str(version):
        return f"was built by TensorRT {entry.tensorrt}, and this is {version}"
    return _fault(folder / name, entry, capability, model)


def _fault(path: Path, entry: PlanRecord, capability: str, model: ModelReference) -> str | None:
    if entry.compute_capability != capability:
        return (
            f"was built for compute capability {entry.compute_capability} ({entry.gpu}), but its name stands for "
            f"{capability}"
        )
    if entry.onnx_sha256 != model.sha256:
        return "was built from another ONNX file than the recipe names"
    if sha256(path) != entry.sha256:
        return "is damaged: its SHA-256 is not the one recorded"
    return None


def _model(
    repository: ModelRepository, recipe: Recipe, model: ModelReference, version: Version | None
) -> Iterator[str]:
    folder = repository.model(model).parent
    try:
        shape = read_shape(configuration.path_of(repository.root, model.name))
        recorded = set(read_records(folder).plans)
    except DamagedModel as err:
        # Without plans there is nothing to check, also in a repository that was exported without this configuration.
        if any(folder.glob("*.plan")):
            yield err.message
        return
    there = {path.name for path in folder.glob("*.plan")}
    capabilities = {name: capability for capability, name in shape.files.items()}
    for name in sorted(there | recorded):
        if name not in capabilities:
            yield f"{folder / name} is a plan that Triton never takes: tensorrt.pbtxt does not name it; delete it."
        elif fault := fault_of(folder, name, capabilities[name], model, version):
            yield f"{folder / name} {fault}; build the plans of {recipe.name} version {recipe.version} again."
    for path in sorted(folder.glob(f".*{BUILDING}")):
        yield f"{path} is half built: its builder was stopped; the next build removes it."


def _missing(repository: ModelRepository, name: str, gpu: Gpu | None) -> Iterator[str]:
    """Triton, told to take plans, could not load the active version."""
    active = repository.active(name)
    if gpu is None or active is None:
        return
    for model in repository.recipe(name, active).models:
        if not configuration.in_force(repository.root, model.name):
            continue
        plan = read_shape(configuration.path_of(repository.root, model.name)).files.get(gpu.capability)
        if plan is None or not (repository.model(model).parent / plan).is_file():
            yield (
                f"{model.name} version {active} has no plan for this {gpu.name}, yet tensorrt.pbtxt is in force: "
                f"Triton cannot load it with --model-config-name=tensorrt; run `flawgate build-plans {name}`."
            )

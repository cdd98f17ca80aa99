"""Another version of a recipe is put in force, in steps of which each replaces files whole.

1. The models load the old version and the new one, side by side.
2. The ensemble becomes that of the new version.
3. The models load the new version only.

Between any two the ensemble names a version that its models load, so Triton loads the repository whenever the process
is killed. What is in force is what the ensemble says; `repair` lets the models follow it.
"""

from collections.abc import Sequence

from flawgate_contracts.errors import BrokenRecipe
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository.config_text import with_versions
from flawgate_contracts.repository.files import write_whole
from flawgate_contracts.repository.layout import ENSEMBLE, ModelRepository, loaded_versions
from flawgate_contracts.repository.staging import OnStep, untold

__all__ = ["half_done", "load_only", "put_in_force", "repair", "switch", "with_versions"]


def load_only(repository: ModelRepository, recipe: Recipe, versions: Sequence[int], on_step: OnStep = untold) -> None:
    """Let the models of a recipe load these versions and no other: steps 1 and 3.

    Args:
        repository: where the recipe is.
        recipe: any of its versions: all have the same models.
        versions: what to load, at least one.
        on_step: told before each file.

    Raises:
        InvalidParameter: a file cannot be written.
        DiskFull: no space is left.
    """
    for reference in recipe.models:
        for path in repository.configs(reference.name):
            on_step(f"load {', '.join(map(str, versions))} by {path.relative_to(repository.root)}")
            if loaded_versions(path) != tuple(versions):
                # Whatever bytes else there are in it stay as they are.
                text = path.read_text("utf-8", errors="surrogateescape")
                write_whole(path, with_versions(text, versions).encode("utf-8", errors="surrogateescape"))


def put_in_force(repository: ModelRepository, name: str, version: int) -> None:
    """Make the ensemble that of a version: step 2.

    Raises:
        BrokenRecipe: the version has no ensemble.
        InvalidParameter: the file cannot be written.
        DiskFull: no space is left.
    """
    path = repository.folder(name, version) / ENSEMBLE
    try:
        ensemble = path.read_bytes()
    except OSError as err:
        raise BrokenRecipe(f"{path} cannot be read ({err.strerror}); export the recipe again.") from err
    write_whole(repository.config(name), ensemble)


def switch(repository: ModelRepository, recipe: Recipe, on_step: OnStep = untold) -> None:
    """All three steps, for a repository that nobody serves just now.

    Args:
        repository: where the recipe is.
        recipe: of the version to put in force.
        on_step: told before each step.

    Raises:
        FlawgateError: of a step.
    """
    new, old = int(recipe.version), repository.active(recipe.name)
    load_only(repository, recipe, [new] if old in (None, new) else sorted((old, new)), on_step)
    on_step("ensemble")
    put_in_force(repository, recipe.name, new)
    load_only(repository, recipe, [new], on_step)


def half_done(repository: ModelRepository, recipe: Recipe) -> bool:
    """Whether a model of a recipe loads something else than the version in force."""
    active = repository.active(recipe.name)
    return active is not None and any(
        loaded_versions(path) != (active,) for reference in recipe.models for path in repository.configs(reference.name)
    )


def repair(repository: ModelRepository, recipe: Recipe) -> bool:
    """Finish or undo a switch in whose midst a process was killed; gives whether there was one.

    Args:
        repository: where the recipe is.
        recipe: any of its versions.

    Raises:
        InvalidParameter: a file cannot be written.
        DiskFull: no space is left.
    """
    active = repository.active(recipe.name)
    if active is None or not half_done(repository, recipe):
        return False
    load_only(repository, recipe, [active])
    return True

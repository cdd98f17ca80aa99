"""Versions that nobody needs any more are removed."""

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.repository import history, lock, staging, switch
from flawgate_contracts.repository.layout import ModelRepository

KEEP = 2
"""Newest versions that stay beside the active one, unless told otherwise."""


def clear(repository: ModelRepository) -> None:
    """Remove what killed processes left behind, also where there is no recipe.

    Raises:
        RepositoryBusy: another process is changing the repository.
        InvalidParameter: the repository cannot be written to.
    """
    with lock.changing(repository.root):
        pass  # it begins with that


def prune(repository: ModelRepository, name: str, *, keep: int = KEEP, even_rollback: bool = False) -> tuple[int, ...]:
    """Remove old versions of a recipe; gives their numbers.

    Args:
        repository: where the recipe is.
        name: of the recipe.
        keep: how many of the newest stay beside the active version, which always does.
        even_rollback: whether the version goes that `rollback` would put in force.

    Raises:
        UnknownRecipe: there is none of that name.
        RepositoryBusy: another process is changing the repository.
        InvalidParameter: the repository cannot be written to, or does not say which version is active.
    """
    repository.known_versions(name)
    with lock.changing(repository.root):
        active = repository.active(name)
        if active is None:
            raise InvalidParameter(
                f"{repository.config(name)} does not say which version is in force; nothing is removed.",
                {"field": "recipe"},
            )
        needed = {active} if even_rollback else {active, history.read(repository, name).version_before(active)}
        inactive = [version for version in repository.versions(name) if version != active]
        removed = tuple(version for version in inactive[: max(len(inactive) - keep, 0)] if version not in needed)
        for version in removed:
            recipe = repository.recipe(name, version)
            switch.repair(repository, recipe)
            staging.remove(repository.root, name, version, [reference.name for reference in recipe.models])
    return removed

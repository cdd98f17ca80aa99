"""What there is to tell of the recipes of a repository and their versions."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.kinds import Kind
from flawgate_contracts.recipe import Precision, Recipe
from flawgate_contracts.repository import digests, history, switch
from flawgate_contracts.repository.history import Promotion
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_imaging import golden_frames


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class VersionFacts(_Facts):
    """One version of a recipe.

    Attributes:
        version: its number.
        active: whether it is in force.
        rollback: whether `flawgate models rollback` would put it in force.
        exported: when, UTC; None where its recipe cannot be read, as are the next three.
        architecture: name of the network.
        precision: what it computes with.
        forced: why it was published although parity was refused; None: it was not.
        golden: number of its golden frames.
        shipped: how many of these have their picture beside them.
        size: of its folders, in bytes.
        fault: why it cannot be put in force; empty where its files are whole, or were not looked at.
    """

    version: int
    active: bool
    rollback: bool
    exported: datetime | None = None
    architecture: str | None = None
    precision: Precision | None = None
    forced: str | None = None
    golden: int = 0
    shipped: int = 0
    size: int = 0
    fault: str = ""


class RecipeFacts(_Facts):
    """One recipe.

    Attributes:
        name: of the recipe.
        kind: of its active version; None where that cannot be read, as is the next.
        title: one line for people.
        active: version in force; None where the repository does not say.
        interrupted: whether a process was killed while it put another version in force.
        versions: ascending.
        promotions: changes of the version in force, the latest last.
    """

    name: str
    kind: Kind | None
    title: str | None
    active: int | None
    interrupted: bool
    versions: tuple[VersionFacts, ...]
    promotions: tuple[Promotion, ...]


def facts(repository: ModelRepository, name: str, *, verify: bool) -> RecipeFacts:
    """All about one recipe; a version that cannot be read is told with its fault.

    Args:
        repository: where it is.
        name: of the recipe.
        verify: whether to compare the digests, which reads every file.

    Raises:
        UnknownRecipe: there is none of that name.
        InvalidParameter: its history cannot be read.
    """
    versions = repository.known_versions(name)
    active = repository.active(name)
    past = history.read(repository, name)
    before = None if active is None else past.version_before(active)
    recipe = _read(repository, name, versions[-1] if active is None else active)
    return RecipeFacts(
        name=name,
        kind=recipe.kind if recipe else None,
        title=recipe.title if recipe else None,
        active=active,
        interrupted=recipe is not None and switch.half_done(repository, recipe),
        versions=tuple(
            _version(
                repository,
                name,
                VersionFacts(version=each, active=each == active, rollback=each == before),
                verify=verify,
            )
            for each in versions
        ),
        promotions=past.promotions,
    )


def _version(repository: ModelRepository, name: str, known: VersionFacts, *, verify: bool) -> VersionFacts:
    folder = repository.folder(name, known.version)
    try:
        recipe = repository.recipe(name, known.version)
    except FlawgateError as error:
        return known.model_copy(update={"fault": error.message, "size": _size(folder)})
    told = recipe.provenance
    folders = (folder, *(repository.folder(reference.name, known.version) for reference in recipe.models))
    told_of_all = {
        "exported": told.created_at,
        "architecture": told.architecture,
        "precision": told.precision,
        "forced": told.forced,
        "size": sum(map(_size, folders)),
    }
    return known.model_copy(update=told_of_all | _checked(repository, recipe, verify=verify))


def _checked(repository: ModelRepository, recipe: Recipe, *, verify: bool) -> dict[str, object]:
    """Golden frames, and what is wrong with the files."""
    try:
        golden = golden_frames.read(repository.folder(recipe.name, int(recipe.version)))
        frames = golden.frames if golden else ()
        if verify:
            digests.verify(repository, recipe)
    except FlawgateError as error:
        return {"fault": error.message}
    return {"golden": len(frames), "shipped": sum(frame.picture is not None for frame in frames)}


def _read(repository: ModelRepository, name: str, version: int) -> Recipe | None:
    try:
        return repository.recipe(name, version)
    except FlawgateError:
        return None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

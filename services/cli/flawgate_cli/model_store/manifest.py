"""What a store holds: the files of a model repository, each with its digest and size."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from flawgate_contracts.errors import BrokenRecipe, DamagedModel, InvalidParameter
from flawgate_contracts.recipe import Recipe, Sha256
from flawgate_contracts.repository import digests
from flawgate_contracts.repository.layout import CONFIG, MODEL, PARITY, RECIPE, ModelRepository

SET_ASIDE = ".refused"
"""Ends the name of a configuration that one machine's GPU has no plans for; others may have them."""

MAX_FILES = 20_000

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"

_PATH = rf"{_PART}(/{_PART}){{1,4}}"
MAX_PATH = 400
"""Characters."""

RepositoryPath = Annotated[str, StringConstraints(pattern=rf"^{_PATH}$", max_length=MAX_PATH)]
"""Below the repository's root, with slashes; never out of it, and never a hidden file."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileFacts(_Part):
    """One file."""

    sha256: Sha256
    size: int = Field(ge=0, description="Bytes.")


class Manifest(_Part):
    """All files of a repository."""

    schema_version: Literal[1] = 1
    files: dict[RepositoryPath, FileFacts] = Field(default_factory=dict, max_length=MAX_FILES)

    @classmethod
    def from_json(cls, data: bytes, *, source: str) -> "Manifest":
        """Read one.

        Raises:
            DamagedModel: it is none, or of a later Flawgate.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as err:
            raise DamagedModel(
                f"{source} is no list of models that this version of Flawgate reads; push the models again.",
                {"file": source},
            ) from err

    def below(self, folder: str) -> Iterator[tuple[str, FileFacts]]:
        """The files of a model, or of a recipe's own folder, with their paths."""
        return ((path, facts) for path, facts in self.files.items() if path.startswith(f"{folder}/"))

    def versions(self) -> tuple[tuple[str, int], ...]:
        """Recipe and version, for each version of each recipe, sorted."""
        split = (path.split("/") for path in self.files)
        return tuple(sorted((part[0], int(part[1])) for part in split if part[1].isdecimal() and part[2:] == [RECIPE]))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(facts.size for facts in self.files.values())


def described(repository: ModelRepository) -> tuple[Manifest, dict[str, Path]]:
    """What a folder holds: its recipes and their models; what belongs to none, and hidden files, are not named.

    Returns:
        The manifest, and where each of its files lies.

    Raises:
        DamagedModel: a file is not the one that its recipe names.
        BrokenRecipe: a recipe cannot be read, or has no version in force.
        InvalidParameter: a file has a name that a store does not take.
    """
    recipes = [
        repository.recipe(name, version) for name in repository.recipes() for version in repository.versions(name)
    ]
    folders = {recipe.name for recipe in recipes} | {model.name for recipe in recipes for model in recipe.models}
    places = {path: place for folder in sorted(folders) for path, place in _files(repository.root, folder)}
    for path in places:
        _check_name(path, repository.root)
    facts = {path: FileFacts(sha256=digests.sha256(place), size=place.stat().st_size) for path, place in places.items()}
    manifest = Manifest(files=facts)
    for recipe in recipes:
        repository.in_force(recipe.name)
        check(manifest, recipe)
    return manifest, places


def check(manifest: Manifest, recipe: Recipe) -> None:
    """Whether a manifest names what makes a version of a recipe whole, with the digests that the recipe names.

    Raises:
        DamagedModel: a file is missing, or is another.
        BrokenRecipe: a configuration is missing.
    """
    wanted = {f"{model.name}/{model.version}/{MODEL}": model.sha256 for model in recipe.models}
    if recipe.provenance.parity_sha256 is not None:
        wanted[f"{recipe.name}/{recipe.version}/{PARITY}"] = recipe.provenance.parity_sha256
    _check_digests(manifest.files, wanted, recipe)
    for folder in (recipe.name, *(model.name for model in recipe.models)):
        if f"{folder}/{CONFIG}" not in manifest.files:
            raise BrokenRecipe(f"{folder}/{CONFIG} is missing; export recipe {recipe.name} again.")


def _check_digests(files: Mapping[str, FileFacts], wanted: Mapping[str, str], recipe: Recipe) -> None:
    for path, sha256 in wanted.items():
        if path not in files or files[path].sha256 != sha256:
            raise DamagedModel(
                f"{path} is missing, or not the file that version {recipe.version} of recipe {recipe.name} names; "
                "restore it from where that was exported, or export it again.",
                {"recipe": recipe.name, "version": recipe.version, "file": path},
            )


def _check_name(path: str, root: Path) -> None:
    if len(path) > MAX_PATH or re.fullmatch(_PATH, path) is None:
        raise InvalidParameter(
            f"{root / path} cannot be pushed under that name, and Flawgate writes no such file: letters from A to Z, "
            "digits, `_`, `-` and `.` make a name, in four folders at most; move it away.",
            {"field": "model_repository"},
        )


def _files(root: Path, folder: str) -> Iterator[tuple[str, Path]]:
    for place in sorted((root / folder).rglob("*")):
        path = place.relative_to(root)
        if place.is_file() and not any(part.startswith(".") for part in path.parts):
            yield path.as_posix().removesuffix(SET_ASIDE), place

"""Where things stand in a model repository (docs/decisions/0007), and reading them.

::

    commutator/config.pbtxt                    the ensemble in force: a copy of that of the active version
    commutator/history.json                    what was promoted when
    commutator/<v>/recipe.json                 makes <v> exist; beside it ensemble.pbtxt, golden frames, cards
    commutator_seg/config.pbtxt, configs/*     which versions are loaded, and how
    commutator_seg/<v>/model.onnx
"""

import re
from collections.abc import Sequence
from pathlib import Path

from flawgate_contracts.errors import BrokenRecipe, UnknownRecipe, UnknownVersion
from flawgate_contracts.recipe import ModelReference, Recipe
from flawgate_contracts.repository.config_text import versions_in

CONFIG = "config.pbtxt"
CONFIGS = "configs"
ENSEMBLE = "ensemble.pbtxt"
MODEL = "model.onnx"
RECIPE = "recipe.json"
PARITY = "parity.json"

_NUMBER = re.compile(r"[1-9][0-9]*")


class ModelRepository:
    """A folder with recipes, their versions and their models. Only reads."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def recipes(self) -> tuple[str, ...]:
        """Names of all recipes, sorted."""
        return tuple(sorted({path.parents[1].name for path in self.root.glob(f"*/*/{RECIPE}") if _is_version(path)}))

    def versions(self, recipe: str) -> tuple[int, ...]:
        """Versions of a recipe, ascending; none where there is no such recipe."""
        return tuple(
            sorted(int(path.parent.name) for path in self.root.glob(f"{recipe}/*/{RECIPE}") if _is_version(path))
        )

    def known_versions(self, recipe: str) -> tuple[int, ...]:
        """Versions of a recipe, ascending, at least one.

        Raises:
            UnknownRecipe: there is none of that name.
        """
        versions = self.versions(recipe)
        if not versions:
            known = ", ".join(self.recipes()) or "none"
            raise UnknownRecipe(
                f"There is no recipe {recipe!r} in {self.root}; known are: {known}.", {"recipe": recipe}
            )
        return versions

    def active(self, recipe: str) -> int | None:
        """The version in force, by the ensemble's config.pbtxt; None where it names none, or several."""
        versions = loaded_versions(self.config(recipe))
        return versions[0] if len(versions) == 1 else None

    def in_force(self, recipe: str) -> int:
        """The version in force.

        Raises:
            UnknownRecipe: there is none of that name.
            BrokenRecipe: the ensemble's config.pbtxt names no version, or several.
        """
        self.known_versions(recipe)
        active = self.active(recipe)
        if active is None:
            raise BrokenRecipe(
                f"{self.config(recipe)} does not say which version is in force; copy the ensemble.pbtxt of a version "
                "there.",
                {"recipe": recipe},
            )
        return active

    def recipe(self, name: str, version: int) -> Recipe:
        """One version of a recipe.

        Raises:
            UnknownRecipe: there is none of that name.
            UnknownVersion: it has no such version.
            BrokenRecipe: it cannot be read, or stands in the wrong place.
        """
        known = self.known_versions(name)
        if version not in known:
            raise UnknownVersion(
                f"Recipe {name} has no version {version} in {self.root}; there are: {', '.join(map(str, known))}.",
                {"recipe": name, "version": str(version)},
            )
        path = self.folder(name, version) / RECIPE
        recipe = Recipe.from_json(path.read_bytes(), source=str(path))
        if (recipe.name, recipe.version) != (name, str(version)):
            raise BrokenRecipe(f"{path} holds version {recipe.version} of recipe {recipe.name}; export it again.")
        return recipe

    def folder(self, name: str, version: int) -> Path:
        """`<name>/<version>`, of a recipe or of a model."""
        return self.root / name / str(version)

    def config(self, name: str) -> Path:
        """`<name>/config.pbtxt`, of a recipe's ensemble or of a model."""
        return self.root / name / CONFIG

    def configs(self, model: str) -> tuple[Path, ...]:
        """All configurations of a model that are there: config.pbtxt and those to be chosen by --model-config-name."""
        chosen = sorted((self.root / model / CONFIGS).glob("*.pbtxt"))
        return tuple(path for path in (self.config(model), *chosen) if path.exists())

    def model(self, reference: ModelReference) -> Path:
        """The ONNX file that a recipe names."""
        return self.root / reference.name / reference.version / MODEL

    def next_version(self, name: str, parts: Sequence[str]) -> int:
        """One more than the highest number that a version folder of the recipe or of its models has.

        Args:
            name: of the recipe.
            parts: names of its models, e.g. `commutator_seg`.
        """
        numbers = (
            int(path.name) for part in (name, *parts) for path in self.root.glob(f"{part}/*") if _is_number(path)
        )
        return max(numbers, default=0) + 1


def _is_version(recipe: Path) -> bool:
    return _is_number(recipe.parent)


def _is_number(path: Path) -> bool:
    return _NUMBER.fullmatch(path.name) is not None and path.is_dir()


def loaded_versions(config: Path) -> tuple[int, ...]:
    """The versions that a config.pbtxt names; none where it is not there or leaves the choice to Triton."""
    try:
        return versions_in(config.read_text("utf-8", errors="replace"))
    except (FileNotFoundError, NotADirectoryError):
        return ()

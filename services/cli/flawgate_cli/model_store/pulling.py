"""From a store into a model repository, in steps of which each leaves one that Triton loads."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flawgate_cli.model_store.manifest import SET_ASIDE, FileFacts, Manifest, check
from flawgate_cli.model_store.store import ModelStore
from flawgate_contracts.errors import BrokenRecipe, Conflict, InvalidParameter, NotFound
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository import digests, lock, staging, switch
from flawgate_contracts.repository.config_text import versions_in
from flawgate_contracts.repository.files import PART, settle, telling_of_the_disk
from flawgate_contracts.repository.layout import CONFIG, RECIPE, ModelRepository
from flawgate_contracts.repository.staging import OnStep, untold

BUSY_S = 60.0
"""How long to wait for another process that is changing the repository."""

_OF_THE_MACHINE = (".plan", "plans.json")
"""End the names of what a machine builds for its own GPU: where it has one, that stays."""


@dataclass(frozen=True)
class Pulled:
    """What came about.

    Attributes:
        recipes: name → version in force.
        fetched: bytes that were not here before.
    """

    recipes: dict[str, int]
    fetched: int


def pull(store: ModelStore, root: Path, *, max_bytes: int, on_step: OnStep = untold) -> Pulled:
    """Bring what a store holds into a repository, and put those versions in force that are in force there.

    What is here and whole is not fetched again; what is only here stays. A Triton that serves the repository must be
    renewed, or told to load the recipes.

    Args:
        store: where from.
        root: of the repository; made where there is none.
        max_bytes: most that all files together may have.
        on_step: told before each step that changes the repository.

    Raises:
        NotFound: nothing was pushed to the store, or its bucket is missing.
        InvalidParameter: it holds more than may come, or the repository cannot be written to.
        DamagedModel: a file of the store is missing, or not the one that its recipe names.
        BrokenRecipe: a recipe of the store cannot be read, or has no version in force.
        Conflict: a version is here that is another one under the same number.
        RepositoryBusy: another process is changing the repository.
        DependencyUnavailable: the store does not answer.
        DiskFull: no space is left.
    """
    manifest = store.manifest()
    if manifest is None or not manifest.files:
        raise NotFound(f"There are no models at {store.url}; `flawgate models push` puts them there.")
    if manifest.size > max_bytes:
        raise InvalidParameter(
            f"The models at {store.url} have {manifest.size} bytes, and at most {max_bytes} may come; set --max-bytes.",
            {"field": "max_bytes"},
        )
    with lock.changing(root, wait_s=BUSY_S):
        return _Pull(store, manifest, ModelRepository(root), on_step).carry_out()


@dataclass
class _Pull:
    """One under way; `fetched` counts bytes."""

    store: ModelStore
    manifest: Manifest
    repository: ModelRepository
    on_step: OnStep
    fetched: int = 0

    def carry_out(self) -> Pulled:
        """New versions come in first, beside those in force; only then others are put in force."""
        recipes = {each: self._recipe(*each) for each in self.manifest.versions()}
        active = {name: self._active(name) for name, _ in recipes}
        # Of a recipe that is new, the version in force comes first: what its configurations load is there at once.
        for name, version in sorted(recipes, key=lambda each: (each[1] != active[each[0]], each)):
            self._bring(recipes[name, version])
        for name, version in active.items():
            self._put_in_force(recipes[name, version])
        return Pulled(active, self.fetched)

    def _recipe(self, name: str, version: int) -> Recipe:
        path = f"{name}/{version}/{RECIPE}"
        recipe = Recipe.from_json(self.store.get(self.manifest.files[path]), source=f"{path} of {self.store.url}")
        if (recipe.name, recipe.version) != (name, str(version)):
            raise BrokenRecipe(f"{path} of {self.store.url} is another recipe's; push the models again.")
        check(self.manifest, recipe)
        return recipe

    def _active(self, name: str) -> int:
        """The version that is in force in the store."""
        config = self.manifest.files.get(f"{name}/{CONFIG}")
        versions = () if config is None else versions_in(self.store.get(config).decode("utf-8", errors="replace"))
        if len(versions) != 1 or (name, versions[0]) not in self.manifest.versions():
            raise BrokenRecipe(f"{self.store.url} does not say which version of {name} is in force; push it again.")
        return versions[0]

    def _bring(self, recipe: Recipe) -> None:
        root, version = self.repository.root, int(recipe.version)
        if not (self.repository.folder(recipe.name, version) / RECIPE).exists():
            staging.publish(root, recipe.name, version, partial(self._fill, recipe=recipe), self.on_step)
            return
        self._refuse_another(recipe)
        for path, facts in self._files(recipe, loose=False):
            place = root / path
            if not (place.exists() and path.endswith(_OF_THE_MACHINE)):
                self._renew(place, facts)

    def _fill(self, tree: Path, *, recipe: Recipe) -> None:
        """Everything of a version; of a model that is here already, `publish` takes the version alone."""
        for path, facts in (*self._files(recipe, loose=False), *self._files(recipe, loose=True)):
            self._fetch(facts, tree / path)

    def _put_in_force(self, recipe: Recipe) -> None:
        """Switch, then take over what else a configuration says: it loads the same versions by then."""
        if self.repository.active(recipe.name) != int(recipe.version):
            switch.switch(self.repository, recipe, self.on_step)
        for path, facts in self._files(recipe, loose=True):
            place = self.repository.root / path
            if not place.with_name(place.name + SET_ASIDE).exists():
                self._renew(place, facts)

    def _refuse_another(self, recipe: Recipe) -> None:
        path = f"{recipe.name}/{recipe.version}/{RECIPE}"
        if digests.sha256(self.repository.root / path) != self.manifest.files[path].sha256:
            raise Conflict(
                f"Version {recipe.version} of recipe {recipe.name} in {self.repository.root} is not the one at "
                f"{self.store.url}; remove it here, or export it there under a number of its own.",
                {"recipe": recipe.name, "version": recipe.version},
            )

    def _renew(self, place: Path, facts: FileFacts) -> None:
        """Put a file where it is missing, or is another; a reader sees the old one or the new one."""
        if place.is_file() and place.stat().st_size == facts.size and digests.sha256(place) == facts.sha256:
            return
        self.on_step(f"renew {place.relative_to(self.repository.root)}")
        staged = place.with_name(f".{place.name}{PART}")
        self._fetch(facts, staged)
        with telling_of_the_disk(place.parent):
            settle(staged)
            staged.replace(place)
            settle(place.parent)

    def _fetch(self, facts: FileFacts, place: Path) -> None:
        self.store.fetch(facts, place)
        self.fetched += facts.size

    def _files(self, recipe: Recipe, *, loose: bool) -> Iterator[tuple[str, FileFacts]]:
        """Those in the folders of its version, or (`loose`) those that all versions share."""
        for folder in (recipe.name, *(model.name for model in recipe.models)):
            for path, facts in self.manifest.below(folder):
                number = path.split("/")[1]
                if (not number.isdecimal()) if loose else number == recipe.version:
                    yield path, facts

"""Model repositories that are pushed into a store and pulled out of it."""

import json
from pathlib import Path

from flawgate_cli.model_store.command import MAX_BYTES
from flawgate_cli.model_store.pulling import pull
from flawgate_cli.model_store.pushing import push
from flawgate_cli.model_store.store import MANIFEST, ModelStore
from flawgate_contracts.repository import digests, staging, switch
from flawgate_contracts.repository.layout import ModelRepository, loaded_versions
from support.tiny_repository import write_spot


def pushed(root: Path, url: str, *, replace: bool = False) -> int:
    """Push; gives the bytes that were sent."""
    return push(root, ModelStore(url), replace=replace).sent


def pulled(url: str, root: Path) -> int:
    """Pull; gives the bytes that were fetched."""
    return pull(ModelStore(url), root, max_bytes=MAX_BYTES).fetched


def files(root: Path) -> dict[str, bytes]:
    """The files of a repository by their paths, but for the hidden ones."""
    found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if "/." not in f"/{name}"}


def promoted(root: Path, version: int, gain: float = 0.5) -> None:
    """Export a version of `spot`, and put it in force."""
    write_spot(root, version=str(version), gain=gain)
    repository = ModelRepository(root)
    switch.switch(repository, repository.recipe("spot", version))


def stored(url: str, path: str) -> Path:
    """Where a store in a folder keeps a file of the repository."""
    folder = Path(url.removeprefix("file://"))
    digest: str = json.loads((folder / MANIFEST).read_bytes())["files"][path]["sha256"]
    return folder / "files" / digest


def assert_loadable(root: Path) -> None:
    """What is in force is whole, and its models load it."""
    staging.clear(root)
    repository = ModelRepository(root)
    recipe = repository.recipe("spot", repository.in_force("spot"))
    digests.verify(repository, recipe)
    loaded = [loaded_versions(path) for model in recipe.models for path in repository.configs(model.name)]
    assert all(int(recipe.version) in versions for versions in loaded)

"""From a model repository into a store."""

from dataclasses import dataclass
from pathlib import Path

from flawgate_cli.model_store.manifest import Manifest, described
from flawgate_cli.model_store.store import ModelStore
from flawgate_contracts.repository import lock
from flawgate_contracts.repository.layout import ModelRepository


@dataclass(frozen=True)
class Pushed:
    """What came about.

    Attributes:
        manifest: what the store holds now.
        sent: bytes that it did not have before.
    """

    manifest: Manifest
    sent: int


def push(root: Path, store: ModelStore, *, replace: bool = False) -> Pushed:
    """Bring a repository's recipes into a store; whoever pulls meanwhile gets what was there before, whole.

    Args:
        root: of the repository.
        store: where to; recipes that only it has stay there.
        replace: whether they go instead. Their files stay, for those who pull just now.

    Raises:
        DamagedModel: a file of the repository is not the one that its recipe names.
        BrokenRecipe: a recipe of the repository cannot be read, or has no version in force.
        RepositoryBusy: another process is changing the repository.
        NotFound: there is no such bucket.
        DependencyUnavailable: the store does not answer, or takes nothing from us.
    """
    with lock.changing(root):
        ours, places = described(ModelRepository(root))
        before = (None if replace else store.manifest()) or Manifest()
        held = store.held()
        missing = {facts.sha256: path for path, facts in ours.files.items() if held.get(facts.sha256) != facts.size}
        for path in missing.values():
            store.put(places[path], ours.files[path])
    merged = _merged(before, ours)
    store.put_manifest(merged)
    return Pushed(merged, sum(ours.files[path].size for path in missing.values()))


def _merged(before: Manifest, ours: Manifest) -> Manifest:
    """Our folders as they are here, and those that are only there."""
    folders = {path.partition("/")[0] for path in ours.files}
    others = {path: facts for path, facts in before.files.items() if path.partition("/")[0] not in folders}
    return Manifest(files=dict(sorted((others | ours.files).items())))

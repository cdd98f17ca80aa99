"""Whether the files of a version are those that its recipe names."""

import hashlib
from pathlib import Path

from flawgate_contracts.errors import DamagedModel
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository.layout import PARITY, ModelRepository


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(repository: ModelRepository, recipe: Recipe) -> None:
    """Compare every file of a version whose digest the recipe holds: its models, and parity.json.

    Raises:
        DamagedModel: one is missing, cut short or another; names it and says what to do.
    """
    for reference in recipe.models:
        _verify(repository.model(reference), reference.sha256, recipe)
    if recipe.provenance.parity_sha256 is not None:
        _verify(repository.folder(recipe.name, int(recipe.version)) / PARITY, recipe.provenance.parity_sha256, recipe)


def _verify(path: Path, wanted: str, recipe: Recipe) -> None:
    whole = f"restore it from where version {recipe.version} of recipe {recipe.name} was exported, or export it again"
    facts = {"recipe": recipe.name, "version": recipe.version, "file": str(path)}
    try:
        found, size = sha256(path), path.stat().st_size
    except OSError as err:
        raise DamagedModel(f"{path} cannot be read ({err.strerror or err}); {whole}.", facts) from err
    if found != wanted:
        raise DamagedModel(
            f"{path} is damaged or cut short: its {size} bytes have the SHA-256 {found[:12]}…, "
            f"the recipe names {wanted[:12]}…; {whole}.",
            facts,
        )

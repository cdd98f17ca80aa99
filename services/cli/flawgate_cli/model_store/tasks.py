"""What `flawgate models push` and `pull` do and say."""

from pathlib import Path

import typer

from flawgate_cli.model_store import pulling, pushing
from flawgate_cli.model_store.store import ModelStore
from flawgate_contracts.errors import InvalidParameter


def push(url: str, root: Path, *, replace: bool) -> None:
    """See `pushing.push`.

    Raises:
        InvalidParameter: there is no such folder, or no such kind of store.
        FlawgateError: see `pushing.push`.
    """
    if not root.is_dir():
        raise InvalidParameter(
            f"There is no model repository at {root}; name one with --model-repository.", {"field": "model_repository"}
        )
    store = ModelStore(url)
    pushed = pushing.push(root, store, replace=replace)
    held = ", ".join(f"{name} {version}" for name, version in pushed.manifest.versions()) or "no recipe"
    typer.echo(f"{pushed.sent} bytes sent; {store.url} holds {held}.")


def pull(url: str, root: Path, *, max_bytes: int) -> None:
    """See `pulling.pull`.

    Raises:
        FlawgateError: see `pulling.pull`.
    """
    pulled = pulling.pull(ModelStore(url), root, max_bytes=max_bytes)
    in_force = ", ".join(f"{name} {version}" for name, version in sorted(pulled.recipes.items()))
    typer.echo(f"{pulled.fetched} bytes fetched into {root}; in force there: {in_force}.")

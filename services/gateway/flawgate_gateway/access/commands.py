"""`flawgate keys ...`: the API keys, made, listed and revoked right in the database, so that there can be a first one.

What works is imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.options import DatabaseUrl, DataDir, Json


def register(app: typer.Typer) -> None:
    """Add the subcommands to `app`."""
    keys = typer.Typer(help="API keys of the gateway: make, list, revoke.", no_args_is_help=True)
    keys.command("list")(list_keys)
    for command in (create, revoke):
        keys.command()(command)
    app.add_typer(keys, name="keys")


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will hold it, e.g. `MES of line 2`.")],
    scope: Annotated[list[Scope], typer.Option(help="What for; give it several times for several.")],
    *,
    days: Annotated[float | None, typer.Option(min=0.001, max=36_525, help="Days until it expires.")] = None,
    requests_per_s: Annotated[
        float | None, typer.Option(help="How often it may ask, on average, where not as often as any key.")
    ] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is printed this once; only a digest of it is stored."""
    from flawgate_gateway.access import tasks

    tasks.create(name, scope, days, requests_per_s, tasks.Place(database_url, data_dir), as_json=as_json)


def list_keys(*, database_url: DatabaseUrl = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the keys, expired and revoked ones too."""
    from flawgate_gateway.access import tasks

    tasks.list_keys(tasks.Place(database_url, data_dir), as_json=as_json)


def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id: what stands between `fg_` and `_`.")],
    *,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """End a key. Running gateways refuse it within seconds."""
    from flawgate_gateway.access import tasks

    tasks.revoke(key_id, tasks.Place(database_url, data_dir), as_json=as_json)

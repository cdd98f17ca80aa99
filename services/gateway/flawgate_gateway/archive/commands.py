"""`flawgate pictures ...`: the archive of pictures, purged and verified by hand.

What works is imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from flawgate_gateway.options import DatabaseUrl, DataDir, Json

ArchiveUrl = Annotated[
    str | None, typer.Option(help="Folder of the pictures, or s3://BUCKET/PREFIX.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the subcommands to `app`."""
    pictures = typer.Typer(help="Pictures that the gateway keeps: purge, verify.", no_args_is_help=True)
    for command in (purge, verify):
        pictures.command()(command)
    app.add_typer(pictures, name="pictures")


def purge(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing: say what would go.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    archive_url: ArchiveUrl = None,
    as_json: Json = False,
) -> None:
    """Delete the pictures whose time is over, and blobs that no record names; never what a hold names."""
    from flawgate_gateway.archive import tasks

    tasks.purge(tasks.Place(database_url, data_dir, archive_url), dry_run=dry_run, as_json=as_json)


def verify(
    *, database_url: DatabaseUrl = None, data_dir: DataDir = None, archive_url: ArchiveUrl = None, as_json: Json = False
) -> None:
    """Read every picture on record: is it there, and whole? Exit status 1 where one is not."""
    from flawgate_gateway.archive import tasks

    if not tasks.verify(tasks.Place(database_url, data_dir, archive_url), as_json=as_json):
        raise typer.Exit(1)

"""`flawgate doctor`. What works is imported when the command runs, so that `flawgate --help` stays quick."""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from flawgate_cli.local_cluster.layout import ModelServer
from flawgate_cli.options import KeyFile, PortOffset


def doctor(  # noqa: PLR0913  # one parameter for each option of the command
    *,
    gateway: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A gateway elsewhere; else the cluster of this machine.", show_default=False),
    ] = None,
    port_offset: PortOffset = 0,
    model_server: Annotated[
        ModelServer | None,
        typer.Option(help="Where models run.  [default: as the running decision service says, else triton]"),
    ] = None,
    model_repository: Annotated[
        Path | None,
        typer.Option(help="Folder of the models.  [default: that of the running cluster, else model_repository]"),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="The gateway's data folder.  [default: as the running gateway, or the environment, says]"),
    ] = None,
    triton_python: Annotated[Path, typer.Option(help="Python of the environment that holds Triton.")] = Path(
        "services/triton/.venv/bin/python"
    ),
    camera: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Metrics of a camera agent, http://HOST:9084; may be repeated."),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="A folder more whose disk needs room, e.g. an agent's spool; may be repeated."),
    ] = None,
    ntp: Annotated[bool, typer.Option("--ntp", help="Ask the system whether its clock follows NTP.")] = False,
    key_file: KeyFile = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificates to trust.", exists=True, dir_okay=False, show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Look for what is wrong with this installation and its cluster, and say what to do; nothing is changed.

    Exit status 0: all is well; 1: warnings; 2: errors, or a wrong option.
    """
    from flawgate_cli.doctor import tasks

    wanted = tasks.Wanted(
        gateway=gateway,
        port_offset=port_offset,
        model_server=model_server,
        model_repository=model_repository,
        data_dir=data_dir,
        triton_python=triton_python,
        cameras=tuple(camera or ()),
        folders=tuple(folder or ()),
        ntp=ntp,
        key_file=key_file,
        ca_file=ca_file,
    )
    raise typer.Exit(tasks.examine(wanted, as_json=as_json))

"""`flawgate top`. What works is imported when the command runs, so that `flawgate --help` stays quick."""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from flawgate_cli.local_cluster.layout import LOOPBACK
from flawgate_cli.options import PortOffset


def top(
    *,
    host: Annotated[str, typer.Option(help="Machine whose services are asked for their metrics.")] = LOOPBACK,
    port_offset: PortOffset = 0,
    camera: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Metrics of a camera agent, http://HOST:9084; may be repeated."),
    ] = None,
    interval: Annotated[float, typer.Option(min=0.2, max=600, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look twice, print what was between, and end.")] = False,
) -> None:
    """Watch rates, latencies and queues of the running cluster; q or Ctrl-C ends it.

    With --once, and where the output is no terminal: one picture of the time between two looks. Exit status 1 where no
    service answers.
    """
    from flawgate_cli.top import tasks

    raise typer.Exit(
        tasks.watch(host, port_offset, tuple(camera or ()), interval_s=interval, once=once),
    )

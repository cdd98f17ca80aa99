"""What the commands do."""

import asyncio
import json
from functools import partial
from pathlib import Path

import typer
from rich.console import Console

from flawgate_camera.app import serve
from flawgate_camera.checking.report import check as check_cameras
from flawgate_camera.checking.report import show
from flawgate_camera.config.loading import load
from flawgate_camera.sources.base import SourceFailed
from flawgate_camera.sources.genicam import harvester_of, list_devices
from flawgate_camera.sources.usb import devices
from flawgate_contracts.errors import Unavailable
from flawgate_contracts.logs import configure_logging
from flawgate_contracts.startup import StartupError
from flawgate_contracts.tracing import configure_tracing, shut_down


def run(path: Path, standalone: Path | None) -> None:
    """Run the agent.

    Args:
        path: the configuration.
        standalone: a model repository by which it judges all frames itself; None for what the configuration says.

    Raises:
        InvalidParameter: the configuration is wrong.
        Unavailable: it cannot start, e.g. since its port is taken.
    """
    read = partial(load, standalone=standalone)
    configuration = read(path)
    configure_logging("camera", configuration.agent.log_level)
    try:
        configure_tracing("camera")
        asyncio.run(serve(path, configuration, read))
    except StartupError as err:
        raise Unavailable(str(err)) from None
    finally:
        shut_down()


def check(path: Path, *, as_json: bool) -> None:
    """Look through the cameras of a configuration and show what was found; ends with status 1 where one has a fault.

    Raises:
        InvalidParameter: the configuration is wrong.
    """
    configuration = load(path)
    configure_logging("camera", "error")
    checked = asyncio.run(check_cameras(configuration))
    if as_json:
        typer.echo(json.dumps({"cameras": [one.told() for one in checked]}, indent=2, ensure_ascii=False))
    else:
        show(checked, Console())
    if not all(one.good for one in checked):
        raise typer.Exit(1)


def sources(producer: Path | None) -> None:
    """List USB devices, and GenICam devices of a producer.

    Raises:
        Unavailable: the producer cannot be asked.
    """
    found = [("usb", device) for device in devices()]
    if producer is not None:
        found += [("genicam", _genicam_line(facts)) for facts in _genicam_devices(producer)]
    for kind, device in found:
        typer.echo(f"{kind:8} {device}")
    if not found:
        typer.echo("No camera is seen; network cameras are written into the configuration by their URL.", err=True)


def _genicam_devices(producer: Path) -> list[dict[str, str]]:
    try:
        return list_devices(harvester_of(producer))
    except SourceFailed as failure:
        raise Unavailable(failure.message) from None


def _genicam_line(facts: dict[str, str]) -> str:
    return f"{facts['serial_number'] or facts['id']} {facts['vendor']} {facts['model']}"

"""Carries out `flawgate simulate`."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from flawgate_camera.config.delivery import Delivery
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.simulate.faults import parse_faults
from flawgate_camera.simulate.ledger import Ledger
from flawgate_camera.simulate.line import LinePlan, SimulatedCamera, run_line
from flawgate_camera.simulate.printing import print_cameras, print_confusion, print_sums
from flawgate_camera.simulate.reconciling import NotAskedError, reconcile, rest_url
from flawgate_camera.simulate.report import CameraReport, as_json, confusion, report
from flawgate_camera.simulate.stock import Stock, folder_stock, generated_stock
from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.logs import configure_logging

EXIT_DOES_NOT_ADD_UP = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The command's options; times in seconds, shares 0 to 1, sizes in pixels."""

    recipe: str
    cameras: int
    takt_s: float
    seconds: float
    policy: str
    staleness_s: float
    jitter_share: float
    defect_share: float
    frames: Path | None
    pictures: int
    size: int
    seed: int
    faults: str
    cut_every_s: float | None
    settle_s: float
    deadline_s: float
    station: str
    gateway: str
    url: str | None
    key_file: Path | None
    ca_file: Path | None


def simulate(wanted: Wanted, *, as_json: bool) -> None:
    """Run the line, print what came of it, and end this process with status 1 where it does not add up.

    Args:
        wanted: the options.
        as_json: for programs.

    Raises:
        FlawgateError: an option is wrong, or the gateway cannot be used.
    """
    configure_logging("simulate", "error")
    plan = _plan(wanted)
    stock = _stock(wanted)
    cameras = _run(plan, stock)
    reports = [report(camera, wanted.deadline_s) for camera in cameras]
    differences, unasked = _reconciled(reports, plan.gateway, wanted.url)
    adds_up = all(each.adds_up for each in reports) and not differences
    if as_json:
        _print_json(wanted, cameras, reports, differences, unasked)
    else:
        _print(wanted, cameras, reports, differences, unasked)
    if not adds_up:
        sys.exit(EXIT_DOES_NOT_ADD_UP)


def _plan(wanted: Wanted) -> LinePlan:
    table: dict[str, object] = {"policy": wanted.policy}
    if wanted.policy == "latest":
        table["staleness_ms"] = round(wanted.staleness_s * 1000)
    try:
        gateway = Gateway(target=wanted.gateway, key_file=wanted.key_file, ca_file=wanted.ca_file)
    except ValidationError as err:
        raise InvalidParameter(
            f"{wanted.gateway!r} is no address of a gateway; write host and port, e.g. 127.0.0.1:8081."
        ) from err
    return LinePlan(
        recipe=wanted.recipe,
        station=wanted.station,
        cameras=wanted.cameras,
        takt_s=wanted.takt_s,
        jitter_s=wanted.jitter_share * wanted.takt_s,
        seconds=wanted.seconds,
        delivery=TypeAdapter(Delivery).validate_python(table),
        gateway=gateway,
        seed=wanted.seed,
        faults=parse_faults(wanted.faults),
        cut_every_s=wanted.cut_every_s,
        settle_s=wanted.settle_s,
    )


def _stock(wanted: Wanted) -> Stock:
    if wanted.frames is None:
        return generated_stock(
            wanted.seed, pictures=wanted.pictures, defect_share=wanted.defect_share, side=wanted.size
        )
    return folder_stock(wanted.frames, pictures=wanted.pictures, defect_share=wanted.defect_share, seed=wanted.seed)


def _run(plan: LinePlan, stock: Stock) -> list[SimulatedCamera]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Parts come", total=plan.parts * plan.takt_s, counts="")

        def tick(elapsed_s: float, ledgers: list[Ledger]) -> None:
            frames, settled = (sum(getattr(each, name) for each in ledgers) for name in ("frames", "settled"))
            connected = sum(each.state.connected for each in ledgers)
            counts = f"{elapsed_s:.0f} s, {frames} frames, {settled} answered, {connected} of {len(ledgers)} connected"
            progress.update(task, completed=elapsed_s, counts=counts)

        return asyncio.run(run_line(plan, stock, tick))


def _reconciled(reports: Sequence[CameraReport], gateway: Gateway, url: str | None) -> tuple[list[str], str]:
    """What differs from the gateway's records, and why they were not asked; empty where they were."""
    try:
        return reconcile(reports, gateway, url or rest_url(gateway)), ""
    except NotAskedError as err:
        return [], str(err)


def _print(
    wanted: Wanted,
    cameras: Sequence[SimulatedCamera],
    reports: Sequence[CameraReport],
    differences: Sequence[str],
    unasked: str,
) -> None:
    console = Console(highlight=False)
    title = f"{wanted.recipe}, {wanted.policy}, a part each {wanted.takt_s:g} s for {wanted.seconds:g} s"
    print_cameras(console, reports, title=title, deadline_s=wanted.deadline_s)
    print_confusion(console, confusion(cameras))
    print_sums(console, reports, differences, unasked)


def _print_json(
    wanted: Wanted,
    cameras: Sequence[SimulatedCamera],
    reports: Sequence[CameraReport],
    differences: Sequence[str],
    unasked: str,
) -> None:
    facts = {
        "recipe": wanted.recipe,
        "delivery": wanted.policy,
        "takt_s": wanted.takt_s,
        "seconds": wanted.seconds,
        "deadline_s": wanted.deadline_s,
        "seed": wanted.seed,
        "network_faults": [str(fault) for fault in parse_faults(wanted.faults)],
        "adds_up": all(each.adds_up for each in reports),
        "gateway_agrees": None if unasked else not differences,
        "differences": list(differences),
    }
    print(json.dumps(as_json(reports, confusion(cameras), facts), indent=2))  # noqa: T201  # the program's output

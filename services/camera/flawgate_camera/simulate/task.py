"""Carries out `flawgate simulate`."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

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
from flawgate_camera.simulate.report import CameraReport, Confusion, as_json, confusion, report
from flawgate_camera.simulate.stock import Stock, folder_stock, generated_stock
from flawgate_contracts.errors import InvalidParameter

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


@dataclass(frozen=True, slots=True)
class _Ran:
    """A line that has run.

    Attributes:
        wanted: the options.
        matrix: what the parts are, and what was said of them.
        reports: of its cameras.
        differences: to the gateway's records.
        unasked: why these were not compared; empty where they were.
    """

    wanted: Wanted
    matrix: Confusion
    reports: list[CameraReport]
    differences: list[str]
    unasked: str

    @property
    def adds_up(self) -> bool:
        """Whether all frames are accounted for here."""
        return all(each.adds_up for each in self.reports)


def simulate(wanted: Wanted, out: TextIO, *, as_json: bool) -> None:
    """Run the line, print what came of it, and end this process with status 1 where it does not add up.

    Args:
        wanted: the options.
        out: where to it is printed.
        as_json: for programs.

    Raises:
        FlawgateError: an option is wrong, or the gateway cannot be used.
    """
    plan = _plan(wanted)
    cameras = _run(plan, _stock(wanted))
    reports = [report(camera, wanted.deadline_s) for camera in cameras]
    ran = _Ran(wanted, confusion(cameras), reports, *_reconciled(reports, plan.gateway, wanted.url))
    (_print_json if as_json else _print)(ran, out)
    if not ran.adds_up or ran.differences:
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


def _print(ran: _Ran, out: TextIO) -> None:
    wanted, console = ran.wanted, Console(file=out, highlight=False)
    title = f"{wanted.recipe}, {wanted.policy}, a part each {wanted.takt_s:g} s for {wanted.seconds:g} s"
    print_cameras(console, ran.reports, title=title, deadline_s=wanted.deadline_s)
    print_confusion(console, ran.matrix)
    print_sums(console, ran.reports, ran.differences, ran.unasked)


def _print_json(ran: _Ran, out: TextIO) -> None:
    wanted = ran.wanted
    facts = {
        "recipe": wanted.recipe,
        "delivery": wanted.policy,
        "takt_s": wanted.takt_s,
        "seconds": wanted.seconds,
        "deadline_s": wanted.deadline_s,
        "seed": wanted.seed,
        "network_faults": [str(fault) for fault in parse_faults(wanted.faults)],
        "adds_up": ran.adds_up,
        "gateway_agrees": None if ran.unasked else not ran.differences,
        "differences": ran.differences,
    }
    out.write(json.dumps(as_json(ran.reports, ran.matrix, facts), indent=2) + "\n")

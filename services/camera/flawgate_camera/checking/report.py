"""All cameras of a configuration, and what a technician is to do."""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from flawgate_camera.checking.cameras import Finding, describe, look
from flawgate_camera.checking.gateway import greet
from flawgate_camera.checking.triggers import hear
from flawgate_camera.config.cameras import Camera, Configuration
from flawgate_camera.standalone.opening import Bench
from flawgate_camera.wiring import who
from flawgate_contracts.errors import FlawgateError

AT_ONCE = 8
"""Cameras looked through at once."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One camera.

    Attributes:
        camera: its name.
        source: kind and place, without secrets.
        finding: what it gave.
        gateway: why the gateway does not take its frames; None where it does.
        models: why the agent cannot judge its frames itself; None where it can, or is not to.
        trigger: why its trigger cannot be heard; None where it can.
    """

    camera: str
    source: str
    finding: Finding
    gateway: str | None
    models: str | None = None
    trigger: str | None = None

    @property
    def good(self) -> bool:
        """Whether it can start."""
        return not any((self.finding.fault, self.gateway, self.models, self.trigger))

    def told(self) -> dict[str, Any]:
        """As plain data."""
        seen = None if self.finding.seen is None else asdict(self.finding.seen)
        facts = {"camera": self.camera, "source": self.source, "ok": self.good, "picture": seen}
        faults = {"gateway_fault": self.gateway, "models_fault": self.models, "trigger_fault": self.trigger}
        return {**facts, "fault": self.finding.fault, **faults}


async def check(configuration: Configuration) -> list[Checked]:
    """Look through each camera, and ask the gateway about each; in the order of the configuration."""
    room = asyncio.Semaphore(AT_ONCE)
    faults = await _faults_of_models(configuration)

    async def check_one(camera: Camera) -> Checked:
        async with room:
            finding, refusal, trigger = await asyncio.gather(
                asyncio.to_thread(look, camera), greet(who(camera), configuration.gateway), hear(camera.trigger)
            )
        told = refusal and f"Gateway {configuration.gateway.target}: {refusal}"
        return Checked(camera.name, describe(camera.source), finding, told, faults.get(camera.recipe), trigger)

    return list(await asyncio.gather(*(check_one(camera) for camera in configuration.cameras)))


async def _faults_of_models(configuration: Configuration) -> dict[str, str]:
    """By recipe, where the agent is to judge by it and cannot."""
    table, faults = configuration.standalone, {}
    if table is not None:
        bench = Bench(asyncio.get_running_loop())
        for recipe in dict.fromkeys(camera.recipe for camera in configuration.cameras):
            try:
                await bench.try_models(table, recipe)
            except FlawgateError as error:
                faults[recipe] = f"The agent cannot judge by recipe {recipe}: {error.message}"
    return faults


def show(checked: list[Checked], console: Console) -> None:
    """A table, and a sentence for each thing that is to be done. `mean` and `focus` are those of `Seen`."""
    console.print(_table(checked))
    for line in _sentences(checked):
        console.print(line, soft_wrap=True)


def _table(checked: list[Checked]) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("camera", no_wrap=True)
    table.add_column("source", overflow="fold")
    for name in ("size", "fps", "mean", "focus"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("gateway", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in checked:
        table.add_row(one.camera, one.source, *_seen(one.finding), _mark(good=not one.gateway), _mark(good=one.good))
    return table


def _mark(*, good: bool) -> Text:
    return Text("ok", "green") if good else Text("fault", "bold red")


def _seen(finding: Finding) -> tuple[str, str, str, str]:
    seen = finding.seen
    if seen is None:
        return "–", "–", "–", "–"
    rate = "–" if seen.frames_per_s is None else f"{seen.frames_per_s:.1f}"
    return f"{seen.width}×{seen.height}", rate, f"{seen.brightness:.2f}", f"{seen.focus:.0f}"


def _sentences(checked: list[Checked]) -> list[Text]:
    """Faults of cameras one by one; a fault that the gateway, or a recipe, has with several cameras once."""
    faults = [(one.camera, each) for one in checked for each in (one.finding.fault, one.trigger) if each]
    refusals = dict.fromkeys(each for one in checked for each in (one.gateway, one.models) if each)
    shared = [
        (", ".join(one.camera for one in checked if refusal in (one.gateway, one.models)), refusal)
        for refusal in refusals
    ]
    return [Text.assemble((f"{cameras}: ", "bold red"), sentence) for cameras, sentence in (*faults, *shared)]

"""Faults of a network: which, when, for how long."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, cast

from flawgate_camera.simulate.fault_proxy import FaultProxy
from flawgate_contracts.errors import InvalidParameter

Kind = Literal["cut", "stall", "delay"]

_SECONDS = r"(\d+(?:\.\d+)?)"
_FAULT = re.compile(rf"(cut|stall)@{_SECONDS}\+{_SECONDS}|(delay)@{_SECONDS}\+{_SECONDS}:(\d+)ms")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: `cut` ends all connections and refuses new ones, `stall` passes nothing on and ends nothing, `delay`
            passes everything on later.
        at_s: when it begins, in seconds from the beginning of the line.
        for_s: how long it lasts, in seconds.
        delay_s: of `delay`, in seconds for each 64 KiB.
    """

    kind: Kind
    at_s: float
    for_s: float
    delay_s: float = 0.0

    @property
    def until_s(self) -> float:
        """When it is over, in seconds from the beginning of the line."""
        return self.at_s + self.for_s

    def __str__(self) -> str:
        """As it is written."""
        late = f":{self.delay_s * 1000:.0f}ms" if self.kind == "delay" else ""
        return f"{self.kind}@{self.at_s:g}+{self.for_s:g}{late}"


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read faults.

    Args:
        text: `cut@10+5,stall@20+3,delay@30+5:200ms`: kind, beginning and length in seconds, and how late. Empty: none.

    Raises:
        InvalidParameter: one is written otherwise, or two of a kind overlap.
    """
    faults = tuple(_fault(part.strip()) for part in text.split(",") if part.strip())
    for earlier, later in pairwise(sorted(faults, key=lambda fault: (fault.kind, fault.at_s))):
        if earlier.kind == later.kind and later.at_s < earlier.until_s:
            raise InvalidParameter(f"The faults {earlier} and {later} overlap; let one end before the other begins.")
    return faults


def _fault(text: str) -> Fault:
    found = _FAULT.fullmatch(text)
    if found is None:
        raise InvalidParameter(
            f"The fault {text!r} cannot be read; write e.g. cut@10+5, stall@10+5 or delay@20+3:200ms "
            "(beginning and length in seconds)."
        )
    kind, at, lasts, delay, delay_at, delay_lasts, late_ms = found.groups()
    if delay:
        return Fault("delay", float(delay_at), float(delay_lasts), int(late_ms) / 1000)
    return Fault(cast("Kind", kind), float(at), float(lasts))


@asynccontextmanager
async def playing(
    proxy: FaultProxy, begins: float, faults: Sequence[Fault], cut_every_s: float | None
) -> AsyncIterator[None]:
    """Let faults happen to a proxy while the block runs.

    Args:
        proxy: between the cameras and the gateway.
        begins: `time.monotonic()` of the line's beginning, in seconds.
        faults: which.
        cut_every_s: besides, all connections are ended so often, in seconds; None: they are not.
    """
    works = [_play(fault, proxy, begins) for fault in faults] + (
        [_cut_often(proxy, cut_every_s)] if cut_every_s else []
    )
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _play(fault: Fault, proxy: FaultProxy, begins: float) -> None:
    await asyncio.sleep(begins + fault.at_s - time.monotonic())
    _turn(fault, proxy, on=True)
    try:
        await asyncio.sleep(fault.for_s)
    finally:
        _turn(fault, proxy, on=False)


def _turn(fault: Fault, proxy: FaultProxy, *, on: bool) -> None:
    match fault.kind:
        case "cut":
            proxy.refuses = on
            proxy.cut()
        case "stall" if on:
            proxy.stall()
        case "stall":
            proxy.resume()
        case "delay":
            proxy.delay_s = fault.delay_s if on else 0.0


async def _cut_often(proxy: FaultProxy, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        proxy.cut()

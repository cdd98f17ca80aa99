"""A line of cameras that do not exist, made of the real agent's parts, for a while."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from numpy.random import PCG64, Generator, SeedSequence

from flawgate_camera.config.cameras import Camera, Health
from flawgate_camera.config.delivery import Delivery as DeliveryTable
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.config.sources import GeneratedSource
from flawgate_camera.health import Standing
from flawgate_camera.running import Parts, RunningCamera, Service
from flawgate_camera.simulate.fault_proxy import LOOPBACK, fault_proxy
from flawgate_camera.simulate.faults import Fault, playing
from flawgate_camera.simulate.ledger import Ledger
from flawgate_camera.simulate.source import Takt, TaktSource
from flawgate_camera.simulate.stock import Stock
from flawgate_camera.sources.base import Cause
from flawgate_camera.stream.connecting import open_channel
from flawgate_camera.stream.facts import StreamState
from flawgate_camera.stream.streamer import Streamer
from flawgate_camera.triggers.rate import NthTrigger
from flawgate_camera.wiring import create_delivery, who
from flawgate_contracts.errors import (
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    error_classes,
)

START_S = 0.5
"""From the beginning of a line to its first part: all cameras are connected by then."""
STOP_S = 2.0
"""To say what was given up, once the time to settle is over."""
LOOK_S = 0.25
REACH_S = 10.0

_HOPELESS = {
    cls.reason: cls for cls in error_classes() if issubclass(cls, (NotFound, Unauthenticated, PermissionDenied))
}
"""No camera of the line will ever get an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePlan:
    """What is simulated.

    Attributes:
        recipe: of all cameras.
        station: of all cameras.
        cameras: how many.
        takt_s: from part to part, in seconds.
        jitter_s: each part is so much early or late at most, in seconds.
        seconds: so long parts come.
        delivery: its table, of each camera.
        gateway: where it is.
        seed: of the draws of pictures and jitter.
        faults: of the network.
        cut_every_s: all connections are ended so often, in seconds; None: they are not.
        settle_s: after the last part, to get the answers that are missing, in seconds.
    """

    recipe: str
    station: str
    cameras: int
    takt_s: float
    jitter_s: float
    seconds: float
    delivery: DeliveryTable
    gateway: Gateway
    seed: int
    faults: tuple[Fault, ...] = ()
    cut_every_s: float | None = None
    settle_s: float = 60.0

    @property
    def parts(self) -> int:
        """So many come by at each camera."""
        return max(1, int(self.seconds / self.takt_s + 1e-9))


class SimulatedCamera:
    """One camera of the line.

    Attributes:
        ledger: what it gave, and what came of it.
        source: its pictures.
        running: the camera itself.
        stream_id: names its numbering; None until its parts are made.
    """

    def __init__(
        self, plan: LinePlan, number: int, begins: float, stock: Stock, gateway: Gateway, spools: Path
    ) -> None:
        """A camera that does not run yet.

        Args:
            plan: of the line.
            number: of the camera, from 1.
            begins: `time.monotonic()` of the line's beginning, in seconds.
            stock: the pictures.
            gateway: where this camera finds it.
            spools: folder for what it keeps on disk.
        """
        name = f"cam{number}"
        self.ledger = Ledger(name)
        self.stream_id: UUID | None = None
        takt = Takt(
            begins=begins,
            phase_s=plan.takt_s * (number - 1) / plan.cameras,
            takt_s=plan.takt_s,
            jitter_s=plan.jitter_s,
            parts=plan.parts,
        )
        chance = Generator(PCG64(SeedSequence((plan.seed, number))))
        self.source = TaktSource(name, takt, stock, chance, shown=self.ledger.shown)
        self._gateway, self._spool = gateway, spools / name
        self.running = RunningCamera(_table(plan, name), self._parts, self.ledger, STOP_S)

    def _parts(self, camera: Camera, _standing: Standing) -> Parts:
        ledger = self.ledger
        delivery = create_delivery(camera.delivery, self._spool, who(camera), ledger.dropped)
        self.stream_id = delivery.stream_id
        streamer = Streamer(
            who(camera), self._gateway, delivery, on_result=ledger.answered, on_state=ledger.stream_changed
        )
        return Parts(
            create_source=lambda: self.source,
            trigger=NthTrigger(1),
            delivery=delivery,
            services=(Service(Cause.GATEWAY, streamer.run),),
            stopping=lambda: None,
            finish=streamer.finish,
            decide=ledger.numbered,
        )


OnTick = Callable[[float, list[Ledger]], None]
"""Told now and then: seconds since the line began, and what stands."""


async def run_line(plan: LinePlan, stock: Stock, on_tick: OnTick) -> list[SimulatedCamera]:
    """Run the line until all its frames have their answers, or until the time for that is over.

    Args:
        plan: what is simulated.
        stock: the pictures.
        on_tick: told now and then.

    Raises:
        Unavailable: no gateway is there.
        NotFound: it does not know the recipe.
        Unauthenticated: it does not know the key.
        PermissionDenied: the key may not inspect.
    """
    await reach(plan.gateway, within_s=REACH_S)
    with TemporaryDirectory(prefix="flawgate-simulate-") as spools:
        begins = time.monotonic() + START_S
        async with _network(plan, begins) as gateway:
            numbers = range(1, plan.cameras + 1)
            cameras = [SimulatedCamera(plan, number, begins, stock, gateway, Path(spools)) for number in numbers]
            await _run(cameras, plan, begins, on_tick)
    return cameras


async def _run(cameras: list[SimulatedCamera], plan: LinePlan, begins: float, on_tick: OnTick) -> None:
    tasks = [asyncio.ensure_future(camera.running.run()) for camera in cameras]
    ends = begins + plan.parts * plan.takt_s + plan.settle_s
    try:
        while time.monotonic() < ends and not all(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=LOOK_S)
            on_tick(time.monotonic() - begins, [camera.ledger for camera in cameras])
            for camera in cameras:
                _raise_hopeless(camera.ledger.state)
    finally:
        for camera in cameras:
            camera.running.stop()
        await asyncio.gather(*tasks)


def _raise_hopeless(state: StreamState) -> None:
    if state.reason in _HOPELESS:
        raise _HOPELESS[state.reason](state.message or state.reason)


@asynccontextmanager
async def _network(plan: LinePlan, begins: float) -> AsyncIterator[Gateway]:
    """Where the cameras find the gateway: at a proxy, where there are faults."""
    if not plan.faults and plan.cut_every_s is None:
        yield plan.gateway
        return
    async with fault_proxy(plan.gateway.target) as proxy:
        host = plan.gateway.target.rpartition(":")[0]
        behind = {"target": f"{LOOPBACK}:{proxy.port}", "tls_name": plan.gateway.tls_name or host}
        async with playing(proxy, begins, plan.faults, plan.cut_every_s):
            yield plan.gateway.model_copy(update=behind)


def _table(plan: LinePlan, name: str) -> Camera:
    return Camera(
        name=name,
        station=plan.station,
        recipe=plan.recipe,
        # Stands where a source must; the pictures come from the stock.
        source=GeneratedSource(kind="generated", frames_per_s=1 / plan.takt_s),
        delivery=plan.delivery,
        # Pictures of a folder may be dark, and the same one may come again.
        health=Health(black_below=0, frozen_after_s=0),
    )


async def reach(gateway: Gateway, *, within_s: float) -> None:
    """See that somebody is there, so that nobody waits for minutes to learn that nobody is.

    Args:
        gateway: where it is to be.
        within_s: so long it may take to answer, in seconds.

    Raises:
        Unavailable: nobody is there.
    """
    async with open_channel(gateway, within_s) as channel:
        try:
            await asyncio.wait_for(channel.channel_ready(), within_s)
        except TimeoutError as err:
            raise Unavailable(
                f"No gateway answers at {gateway.target}; start one with `make up`, or name its gRPC door with "
                "--gateway."
            ) from err

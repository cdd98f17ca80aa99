"""What goes wrong with a line, and how it is put right: each fault is caused and healed by a block."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

import httpx

from support.line_recipes import STEADY, SWAPPED, good_parts
from support.monitored import Line
from support.tiny_repository import write_spot
from support.traffic import Frames
from support.webhook_receiver import Reply

Fault = Callable[[Line], AbstractContextManager[None]]

CROWD = 40
"""Callers at once; the gateway takes 8 frames on, and lets 8 of a recipe wait."""


@contextmanager
def triton_killed(line: Line) -> Iterator[None]:
    """Triton is killed (SIGKILL), and started again."""
    line.cluster.kill("triton")
    yield
    line.cluster.start("triton")


@contextmanager
def preprocessing_killed(line: Line) -> Iterator[None]:
    """Preprocessing is killed, and started again."""
    line.cluster.kill("preprocessing")
    yield
    line.cluster.start("preprocessing")


@contextmanager
def gateway_killed(line: Line) -> Iterator[None]:
    """The gateway is killed while cameras go on, and started again."""
    line.cluster.kill("gateway")
    yield
    line.cluster.start("gateway")


@contextmanager
def database_stopped(line: Line) -> Iterator[None]:
    """PostgreSQL, which holds the records, is stopped."""
    line.database.stop()
    yield
    line.database.start()


@contextmanager
def model_swapped(line: Line) -> Iterator[None]:
    """Somebody puts another ONNX file of the same shape in a model's place, and Triton loads it."""
    model, other = f"{SWAPPED}_cls", line.folder / "other"
    file = line.repository / model / "1/model.onnx"
    right = file.read_bytes()
    write_spot(other, name=SWAPPED, gain=0.5)
    _load(line, model, (other / model / "1/model.onnx").read_bytes())
    yield
    _load(line, model, right)


def _load(line: Line, model: str, content: bytes) -> None:
    (line.repository / model / "1/model.onnx").write_bytes(content)
    url = f"http://127.0.0.1:{line.cluster.layout.ports.triton_http}/v2/repository/models/{model}/load"
    httpx.post(url, timeout=30, trust_env=False).raise_for_status()


@contextmanager
def slow_network(line: Line) -> Iterator[None]:
    """Each message between gateway and preprocessing takes 0.6 s."""
    line.preprocessing.delay_s = 0.6
    yield
    line.preprocessing.delay_s = 0.0


@contextmanager
def crowd(line: Line) -> Iterator[None]:
    """Forty callers send frames at once, and go on when they are refused."""
    stop = asyncio.Event()
    line.background.spawn(_crowd(line.cluster.layout.url, good_parts()[0], stop))
    yield
    line.background.call(stop.set)


async def _crowd(url: str, frame: bytes, stop: asyncio.Event) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:

        async def call() -> None:
            while not stop.is_set():
                with suppress(httpx.TransportError):
                    await http.post("/v1/inspections", params={"recipe": STEADY}, content=frame, headers=_PNG)
                await asyncio.sleep(0.2)

        await asyncio.gather(*(call() for _ in range(CROWD)))


_PNG = {"content-type": "image/png"}


def sees(stations: Sequence[str], frames: Frames) -> Fault:
    """Stations send other frames than before."""

    @contextmanager
    def fault(line: Line) -> Iterator[None]:
        before = dict(line.traffic.frames)
        line.traffic.frames.update(dict.fromkeys(stations, frames))
        yield
        line.traffic.frames.update({station: before[station] for station in stations})

    return fault


@contextmanager
def network_cut(line: Line) -> Iterator[None]:
    """All services run, but nothing passes between gateway and preprocessing."""
    line.preprocessing.refuses = True
    line.background.call(line.preprocessing.cut)
    yield
    line.preprocessing.refuses = False


@contextmanager
def golden_checks_rare(line: Line) -> Iterator[None]:
    """Decision is told to check its golden frames once an hour only."""
    line.cluster.restart("decision", DECISION_GOLDEN_INTERVAL_S=3600)
    yield
    line.cluster.restart("decision")


@contextmanager
def archive_gone(line: Line) -> Iterator[None]:
    """The archive's folder is away, and a file has its name: a share that is not mounted."""
    folder, away = line.folder / "archive", line.folder / "archive.away"
    folder.rename(away)
    folder.write_text("not mounted")
    yield
    folder.unlink()
    away.rename(folder)


def sink_answers(name: str, status: int) -> Fault:
    """A receiver of events answers with this status to everything."""

    @contextmanager
    def fault(line: Line) -> Iterator[None]:
        line.sinks[name].reply = lambda _: Reply(status)
        yield
        line.sinks[name].reply = lambda _: Reply()

    return fault


@contextmanager
def nothing_to_see(line: Line) -> Iterator[None]:
    """A camera is there, but takes no pictures any more."""
    folder = line.cameras["silent"]
    frames = line.traffic.folders.pop(folder)
    yield
    line.traffic.folders[folder] = frames


@contextmanager
def camera_unplugged(line: Line) -> Iterator[None]:
    """A camera's folder is gone."""
    folder = line.cameras["unplugged"]
    folder.rename(folder.with_suffix(".away"))
    yield
    folder.with_suffix(".away").rename(folder)


def says(job: str, text: str) -> Fault:
    """A stand-in for what this machine has not: one more target of a job shows these metrics."""

    @contextmanager
    def fault(line: Line) -> Iterator[None]:
        line.stand_ins[job].texts.append(text)
        yield
        line.stand_ins[job].texts.remove(text)

    return fault

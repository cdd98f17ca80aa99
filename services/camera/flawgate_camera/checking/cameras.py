"""One camera, looked through once."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from time import monotonic

from flawgate_camera.config import sources as tables
from flawgate_camera.config.cameras import Camera
from flawgate_camera.encoding import cut
from flawgate_camera.frames import Picture
from flawgate_camera.sources.base import DamagedPicture, Source, SourceEnded, SourceFailed
from flawgate_camera.sources.creating import create_source
from flawgate_imaging.quality import measure

LOOK_S = 1.5
"""So long pictures are counted, from the first one on."""

BURST_S = 0.5
"""Of these, so long pictures may come faster than they are taken."""

FOLDER_S = 3.0
"""So long a folder is watched for a first file."""

GRACE_S = 2.0
"""For a source to be closed, too."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera gave.

    Attributes:
        width: columns, in pixels.
        height: rows, in pixels.
        frames_per_s: as counted; None where fewer than two pictures came.
        brightness: mean of the pixels, 0 (black) to 1 (white).
        focus: variance of the Laplacian: the sharper the higher.
    """

    width: int
    height: int
    frames_per_s: float | None
    brightness: float
    focus: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of the look: pictures, or why there are none, or both where they are of no use."""

    seen: Seen | None
    fault: str | None


def describe(source: tables.Source) -> str:
    """Kind and place of a source, without secrets."""
    match source:
        case tables.VideoSource():
            return str(source.url)
        case tables.UsbSource():
            return f"usb {source.device}"
        case tables.FileSource() | tables.FolderSource():
            return f"{source.kind} {source.path}"
        case tables.GenicamSource():
            return f"genicam {source.device or 'first'}"
        case tables.GeneratedSource():
            return "generated"


def look(camera: Camera, create: Callable[[tables.Source, Path], Source] = create_source) -> Finding:
    """Open a camera, watch it for a moment, close it; files of a folder stay as they are. Bounded in time.

    Args:
        camera: its table.
        create: makes its source, with a folder for what it notes.
    """
    results: Queue[Finding] = Queue()
    with TemporaryDirectory() as folder:
        source = create(camera.source, Path(folder))
        limit_s = source.open_within_s + source.read_within_s + LOOK_S + GRACE_S
        threading.Thread(target=lambda: results.put(_look(camera, source)), daemon=True).start()
        try:
            return results.get(timeout=limit_s)
        except Empty:
            return Finding(None, f"It did not come back within {limit_s:g} s; check cable, power and driver.")


def _look(camera: Camera, source: Source) -> Finding:
    try:
        source.open()
        watched = _watch(camera, source)
    except SourceFailed as failure:
        return Finding(None, str(failure))
    except Exception as err:  # noqa: BLE001  # a look must end with a sentence
        return Finding(
            None, f"It failed in a way that nobody foresaw ({type(err).__name__}); look into the agent's log."
        )
    finally:
        source.close()
    return _judge(camera, watched)


@dataclass
class _Watched:
    last: Picture | None = None
    moments: list[float] = field(default_factory=list)
    damaged: DamagedPicture | None = None

    def note(self, picture: Picture) -> None:
        """One more picture."""
        self.last = picture
        self.moments.append(picture.acquired)

    def rate(self) -> float | None:
        """Pictures per second, without the first moment, in which a network camera gives all that had gathered."""
        steady = [moment for moment in self.moments if moment - self.moments[0] >= BURST_S]
        counted = steady if len(steady) > 1 else self.moments
        span_s = counted[-1] - counted[0]
        return (len(counted) - 1) / span_s if span_s > 0 else None


def _watch(camera: Camera, source: Source) -> _Watched:
    """The last picture of a moment, and how many came."""
    watched = _Watched()
    waits_s = FOLDER_S if isinstance(camera.source, tables.FolderSource) else source.read_within_s
    end = monotonic() + waits_s
    while monotonic() < end:
        try:
            picture = source.read()
        except SourceEnded:
            break
        except DamagedPicture as damaged:  # one file of many: the agent goes on, too
            watched.damaged = damaged
            continue
        if picture is not None:
            watched.note(picture)
            end = watched.moments[0] + LOOK_S
    return watched


def _judge(camera: Camera, watched: _Watched) -> Finding:
    if watched.last is None and watched.damaged is not None:
        return Finding(None, str(watched.damaged))
    if watched.last is None:
        return Finding(None, "No picture came; put one there, or trigger the camera.")
    last = watched.last
    height, width = last.pixels.shape[:2]
    measures = measure(last.pixels)
    seen = Seen(width, height, watched.rate(), measures.mean, measures.focus)
    try:
        cut(last, camera.region)
    except SourceFailed as failure:
        return Finding(seen, failure.message)
    if 255 * measures.mean < camera.health.black_below:
        return Finding(seen, "Its picture is black; check lens cap, light and exposure.")
    return Finding(seen, None)

"""Frames that go on all the time: by REST, a station a thread, and into the folders of cameras."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

GIVE_UP_S = 15.0
CAMERA_PAUSE_S = 0.3
REFUSED_PAUSE_S = 0.2

Frames = Sequence[bytes]
"""Encoded; sent in turn, again and again."""


@dataclass
class Traffic:
    """What is sent now. May be changed while it is sent.

    Attributes:
        recipes: station → its recipe; each has a thread that sends.
        frames: station → what is sent from it; empty: nothing.
        folders: folder of a camera → what is put there.
        pause_s: between two frames of a station, in seconds.
        paused: nothing is sent.
        patient: whether who is refused asks whether the gateway is ready before it sends again, as an MES does.
        answers: how often each HTTP status came; 0: no answer at all.
    """

    recipes: Mapping[str, str]
    frames: dict[str, Frames]
    folders: dict[Path, Frames] = field(default_factory=dict)
    pause_s: float = 0.2
    paused: bool = True
    patient: bool = False
    answers: Counter[int] = field(default_factory=Counter)


def is_ready(http: httpx.Client) -> bool:
    """Whether a gateway says that frames can be inspected."""
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def flowing(going: Traffic, url: str) -> Iterator[None]:
    """Traffic to a gateway for the length of the block."""
    stop = threading.Event()
    works: list[Callable[[], object]] = [_Sender(url, station, going, stop).run for station in going.recipes]
    works.append(lambda: _fill_folders(going, stop))
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(GIVE_UP_S * 2)


class _Sender:
    """Sends one station's frames, one after the other."""

    def __init__(self, url: str, station: str, going: Traffic, stop: threading.Event) -> None:
        self._http = httpx.Client(base_url=url, timeout=GIVE_UP_S, trust_env=False)
        self._place = {"recipe": going.recipes[station], "station": station}
        self._station = station
        self._going = going
        self._stop = stop

    def run(self) -> None:
        """Until it is to stop."""
        with self._http:
            for number in itertools.count():
                if self._stop.wait(self._going.pause_s):
                    return
                frames = self._going.frames[self._station]
                if frames and not self._going.paused and not self._send(frames[number % len(frames)]):
                    self._recover()

    def _send(self, frame: bytes) -> bool:
        """One frame; gives whether it was inspected."""
        headers = {"content-type": "image/png"}
        try:
            answer = self._http.post("/v1/inspections", params=self._place, content=frame, headers=headers)
        except httpx.TransportError:
            self._going.answers[0] += 1
            return False
        self._going.answers[answer.status_code] += 1
        return answer.status_code == 201

    def _recover(self) -> None:
        while not self._stop.wait(REFUSED_PAUSE_S) and self._going.patient and not is_ready(self._http):
            pass


def _fill_folders(going: Traffic, stop: threading.Event) -> None:
    for number in itertools.count():
        if stop.wait(CAMERA_PAUSE_S):
            return
        for folder, frames in list(going.folders.items() if not going.paused else ()):
            part = folder / f"{number:06}.part"
            try:
                part.write_bytes(frames[number % len(frames)])
                part.rename(part.with_suffix(".png"))
            except FileNotFoundError:
                continue  # the camera is unplugged

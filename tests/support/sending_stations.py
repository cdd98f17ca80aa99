"""Stations of an MES that send frame after frame, each until it is answered, and what came of them."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from flawgate_cli.demo.frames import LabelledFrame
from flawgate_client import Client, FlawgateError
from flawgate_client.conversation import Lost, Reply, Request

RETRIES = 20
"""More than two minutes, with the pauses of the client."""


@dataclass
class Sent:
    """What came of one lot's frames.

    Attributes:
        lot: of all its parts.
        answers: part → identity of its inspection.
        unanswered: a sentence for each part that was given up.
        requests: sent; more than answers where some were sent again.
        longest_s: the longest that one part waited for its answer, in seconds.
    """

    lot: str = field(default_factory=lambda: str(uuid4()))
    answers: dict[str, str] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    requests: int = 0
    longest_s: float = 0.0

    def faults(self, url: str, key: str) -> list[str]:
        """What is lost, recorded twice, or recorded as another inspection than was answered; a sentence each."""
        with Client(url, key, retries=RETRIES) as client:
            on_record = [(each.part or "", each.inspection_id) for each in client.list(lot=self.lot)]
        twice = [part for part, count in Counter(part for part, _ in on_record).items() if count > 1]
        differing = set(on_record) ^ set(self.answers.items())
        return [
            *self.unanswered,
            *(f"{part} is on record more than once" for part in twice),
            *(f"{part}: {identity} is not both answered and on record" for part, identity in sorted(differing)),
        ]


class _Counting(Client):
    """Counts what it sends."""

    requests = 0

    def _send(self, request: Request) -> Reply | Lost:
        self.requests += 1
        return super()._send(request)


@contextmanager
def sending(url: str, key: str, frames: Sequence[LabelledFrame], stations: int = 2) -> Iterator[Sent]:
    """Stations that send for the length of the block, one frame after the other, each by the recipe `texture`.

    What is sent when the block ends is still waited for.
    """
    sent, stop = Sent(), threading.Event()
    threads = [
        threading.Thread(target=_send, args=(f"S{number}", url, key, frames, sent, stop)) for number in range(stations)
    ]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _send(station: str, url: str, key: str, frames: Sequence[LabelledFrame], sent: Sent, stop: threading.Event) -> None:
    with _Counting(url, key, retries=RETRIES) as client:
        for number in itertools.takewhile(lambda _: not stop.is_set(), itertools.count()):
            part, began = f"{station}-{number:05}", time.monotonic()
            try:
                answer = client.inspect(
                    frames[number % len(frames)].data, "texture", station=station, part=part, lot=sent.lot
                )
            except FlawgateError as error:
                sent.unanswered.append(f"{part} was given up: {error}")
            else:
                sent.answers[part] = answer.inspection_id
            sent.longest_s = max(sent.longest_s, time.monotonic() - began)
        sent.requests += client.requests

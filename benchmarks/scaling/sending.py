"""The sender: frames at given moments, whether those before are answered or not (an open loop), or a few at a time."""

import http.client
import json
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from scaling.calibration import Stage

WORKERS = 64
"""More than a gateway takes on, so that no frame waits in the sender."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one frame."""

    latency_s: float
    """From the moment at which it was due."""
    status: int
    """Of HTTP."""
    walls_s: dict[Stage, float] | None
    """Stage → seconds; None where it has no verdict."""

    @classmethod
    def of(cls, latency_s: float, status: int, body: bytes) -> Self:
        """Read it."""
        told = json.loads(body)["stage_seconds"] if status == http.HTTPStatus.CREATED else {}
        # A frame that no model has seen, since its picture is no good or its time is out, has no such stage.
        return cls(latency_s, status, _walls(latency_s, told) if "infer" in told else None)


def _walls(latency_s: float, told: dict[str, float]) -> dict[Stage, float]:
    return {
        "door": latency_s - told["preprocess"] - told["decide"],
        "preprocess": told["preprocess"],
        "decide": told["decide"] - told["infer"],
        "infer": told["infer"],
    }


class Sender:
    """Sends JPEGs to a gateway of this machine, each over a connection of its own."""

    def __init__(self, port: int, recipe: str, frames: Sequence[bytes]) -> None:
        self._port = port
        self._path = f"/v1/inspections?recipe={recipe}"
        self._frames = frames

    def on_time(self, moments_s: Sequence[float]) -> list[Answer]:
        """One frame at each moment, in seconds from now."""
        began = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as executor:
            sent = []
            for number, moment_s in enumerate(moments_s):
                time.sleep(max(0.0, began + moment_s - time.perf_counter()))
                sent.append(executor.submit(self._send, number, began + moment_s))
            return [each.result() for each in sent]

    def lonely(self, count: int, pause_s: float) -> list[Answer]:
        """One after the other, with a pause in between."""
        answers = []
        for number in range(count):
            answers.append(self._send(number, time.perf_counter()))
            time.sleep(pause_s)
        return answers

    def crowded(self, seconds: float, at_once: int) -> list[Answer]:
        """As many as are answered in some seconds, so many at a time."""
        until = time.perf_counter() + seconds

        def one(first: int) -> Iterable[Answer]:
            answers: list[Answer] = []
            while (now := time.perf_counter()) < until:
                answers.append(self._send(first + at_once * len(answers), now))
            return answers

        with ThreadPoolExecutor(at_once) as executor:
            return [answer for answers in executor.map(one, range(at_once)) for answer in answers]

    def _send(self, number: int, due: float) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("POST", self._path, self._frames[number % len(self._frames)], {"content-type": "image/jpeg"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return Answer.of(time.perf_counter() - due, answer.status, body)

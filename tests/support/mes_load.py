"""An MES under load that does what docs/mes.md says: one key a frame, tried again elsewhere until it is answered."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from support.netns import thread_on
from support.pictures import spot_png

LINES = 4
PAUSE_S = 0.05
"""Between two frames of a line."""
DEADLINE_MS = 8000
ANSWER_S, CONNECT_S = 9.0, 1.0
GIVE_UP_S = 90.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 2.0
AGAIN = {429, 503, 504, 507}
FRAMES = {"OK": spot_png(0), "NOT_OK": spot_png(255)}
NO_ANSWER = "no answer"


@dataclass
class Sent:
    """One frame, from its first try to its answer."""

    part: str
    expected: str
    """OK or NOT_OK."""
    key: str = field(default_factory=lambda: str(uuid4()))
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    """Until it was answered, pauses included."""
    failures: list[str] = field(default_factory=list)
    """What came of the tries that had to be repeated."""
    answer: dict[str, str] | None = None


class Mes:
    """Lines that send frames; each prefers a gateway, and changes to the next one when a try fails.

    Args:
        namespace: of its host.
        gateways: URLs.
    """

    def __init__(self, namespace: str, gateways: Sequence[str]) -> None:
        self.sent: list[Sent] = []
        self._namespace = namespace
        self._gateways = gateways
        self._stopped = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Mes"]:
        """Under load during the block; each frame has been answered, or given up, after it."""
        threads = [thread_on(self._namespace, lambda n=n: self._line(n)) for n in range(LINES)]  # type: ignore[misc]
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _line(self, number: int) -> None:
        gateway = number
        with httpx.Client(timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S), trust_env=False) as http:
            while not self._stopped.is_set():
                expected = ("OK", "NOT_OK")[len(self.sent) % 2]
                sent = Sent(f"part-{uuid4()}", expected)
                self.sent.append(sent)
                gateway = self._deliver(http, sent, gateway)
                time.sleep(PAUSE_S)

    def _deliver(self, http: httpx.Client, sent: Sent, gateway: int) -> int:
        """Send a frame until it is answered; gives the gateway that did."""
        pause_s = FIRST_PAUSE_S
        while time.monotonic() - sent.began < GIVE_UP_S:
            failure, after_s = self._tried(http, sent, gateway)
            sent.seconds = time.monotonic() - sent.began
            if failure is None:
                return gateway
            sent.failures.append(failure)
            gateway += 1
            time.sleep(pause_s if after_s is None else after_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return gateway

    def _tried(self, http: httpx.Client, sent: Sent, gateway: int) -> tuple[str | None, float | None]:
        """What failed, and after how many seconds another try may help, where that was said."""
        try:
            answer = http.post(
                f"{self._gateways[gateway % len(self._gateways)]}/v1/inspections",
                headers={"Idempotency-Key": f'"{sent.key}"'},
                data={"recipe": "spot", "part": sent.part, "deadline_ms": str(DEADLINE_MS)},
                files={"file": FRAMES[sent.expected]},
            )
        except httpx.TransportError:
            return NO_ANSWER, None
        document = answer.json()
        if answer.status_code == httpx.codes.CREATED:
            sent.answer = document
            return None, None
        assert answer.status_code in AGAIN or document["code"] == "REQUEST_IN_PROGRESS", answer.text
        return document["code"], float(answer.headers.get("retry-after", FIRST_PAUSE_S))

    def failures(self) -> Counter[str]:
        """What had to be tried again, how often."""
        return Counter(failure for sent in self.sent for failure in sent.failures)

    def slowest_s(self) -> float:
        """Of all frames, from the first try to the answer, in seconds."""
        return max(sent.seconds for sent in self.sent)

    def disturbed_s(self, since: float) -> float:
        """For how long after a moment frames still needed more than a second, or another try, in seconds."""
        late = [sent for sent in self.sent if sent.failures or sent.seconds > 1]
        return max((sent.began + sent.seconds - since for sent in late), default=0.0)

"""A gateway for tests of who calls one: a small HTTP server that answers what it is told to, or hangs up."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INSPECTION: dict[str, Any] = {
    "inspection_id": "01a1fd48-1c43-75e7-821b-7540ae758d07",
    "recipe": "spot",
    "recipe_version": "1",
    "policy_version": "1",
    "evaluation": "OK",
    "score": 0.25,
    "threshold": 0.9,
    "reason": "SCORE_BELOW_THRESHOLD",
    "class": None,
    "probabilities": [],
    "defects": [],
    "models": [{"name": "spot_seg", "version": "1", "sha256": "0" * 64}],
    "frame": {"width": 24, "height": 32, "sha256": "1" * 64},
    "request_id": "r-1",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "received_at": "2026-11-20T10:15:02.114Z",
    "decided_at": "2026-11-20T10:15:02.231Z",
    "policy": {},
    "preprocessing": [],
    "stage_scores": {},
    "stage_seconds": {},
    "links": {"overlay": "/overlay.png"},
}


@dataclass(frozen=True)
class Scripted:
    """One answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def inspection(**facts: Any) -> Scripted:
    """201 with an inspection."""
    return Scripted(201, json.dumps({**INSPECTION, **facts}).encode(), {"content-type": "application/json"})


def hang_up() -> Scripted:
    """The connection is closed without an answer, after the whole request was read."""
    return Scripted(0, b"")


def problem(status: int, code: str, *, retryable: bool, retry_after: str = "0", **facts: Any) -> Scripted:
    """A problem as the gateway says it."""
    body = {"status": status, "code": code, "detail": f"Because of {code}.", "retryable": retryable, **facts}
    headers = {"content-type": "application/problem+json", "retry-after": retry_after}
    return Scripted(status, json.dumps(body).encode(), headers)


class ScriptedGateway:
    """Gives the answers in their order, the last one for ever; keeps what it was sent."""

    def __init__(self, *answers: Scripted) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.url = ""

    def next_answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Scripted:
        """What to say to that request."""
        self.paths.append(path)
        self.headers.append(headers)
        self.bodies.append(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted_gateway(*answers: Scripted) -> Iterator[ScriptedGateway]:
    """The server, on a free port, for the length of the block."""
    gateway = ScriptedGateway(*answers)

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_POST(self) -> None:
            """Read all, then say the next answer."""
            self._say(self.rfile.read(int(self.headers["content-length"])))

        def do_GET(self) -> None:
            """Say the next answer."""
            self._say(b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
            """Stay quiet."""

        def _say(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = gateway.next_answer(self.path, headers, body)
            if not answer.status:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        gateway.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()

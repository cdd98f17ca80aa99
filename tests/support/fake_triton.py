"""A server that stands where Triton's HTTP port would be, and keeps what it was asked."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SERVER = {
    "name": "triton",
    "version": "2.51.0",
    "extensions": ["classification", "model_repository", "system_shared_memory", "binary_tensor_data", "logging"],
}
MODEL = {"name": "spot_seg", "versions": ["1"], "platform": "onnxruntime_onnx", "inputs": [], "outputs": []}
UNKNOWN = {"error": "Request for unknown model: 'nobody' is not found"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes
    pieces: int = 1
    """Chunks that the body came in."""


@dataclass(slots=True)
class FakeTriton:
    """Answers an inference with the body that it was sent; `spot_seg` is its only model."""

    url: str = ""
    ready: bool = True
    delay_s: float = 0.0
    """Before the answer to an inference."""
    breaks_off: bool = False
    """In the middle of the answer to an inference."""
    asked: list[Asked] = field(default_factory=list)

    def answer(self, method: str, path: str) -> tuple[int, object]:
        """What it says, but for inferences; None for no body."""
        told: dict[tuple[str, str], tuple[int, object]] = {
            ("GET", "/v2"): (200, SERVER),
            ("GET", "/v2/health/live"): (200, None),
            ("GET", "/v2/health/ready"): (200 if self.ready else 400, None),
            ("GET", "/v2/models/spot_seg"): (200, MODEL),
            ("GET", "/v2/models/spot_seg/versions/1"): (200, MODEL),
            ("GET", "/v2/models/spot_seg/ready"): (200 if self.ready else 400, None),
        }
        return told.get((method, path), (400, UNKNOWN))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    triton: FakeTriton

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""

    def do_GET(self) -> None:
        self._keep([])
        self._tell(*self.triton.answer("GET", self.path))

    def do_POST(self) -> None:
        pieces = self._pieces()
        self._keep(pieces)
        body = b"".join(pieces)
        if not self.path.endswith("/infer") or "nobody" in self.path:
            self._tell(*self.triton.answer("POST", self.path))
            return
        time.sleep(self.triton.delay_s)
        self.send_response(200)
        for name in ("content-type", "inference-header-content-length"):
            if name in self.headers:
                self.send_header(name, self.headers[name])
        self.send_header("content-length", str(len(body)))
        self.send_header("x-secret-of-triton", "1")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.triton.breaks_off else body)
        self.close_connection = self.triton.breaks_off

    def _keep(self, pieces: list[bytes]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.triton.asked.append(Asked(self.command, self.path, headers, b"".join(pieces), len(pieces)))

    def _pieces(self) -> list[bytes]:
        if self.headers.get("transfer-encoding") != "chunked":
            return [self.rfile.read(int(self.headers.get("content-length", 0)))]
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return chunks

    def _tell(self, status: int, document: object) -> None:
        data = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A gateway that went away is no news."""


@contextmanager
def fake_triton() -> Iterator[FakeTriton]:
    """One, on a free port."""
    triton = FakeTriton()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"triton": triton}))
    triton.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield triton
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A network camera in a few lines: motion JPEG over HTTP, with the faults of real ones."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from flawgate_imaging.encoding import encode_jpeg

BOUNDARY = b"--frame"


@dataclass
class MjpegCamera:
    """What the camera does with the next caller."""

    url: str = ""
    password: str | None = None
    """Callers need user `tech` and this password; None lets everybody in."""
    frames: int | None = None
    """Pictures before the stream breaks off; None for no end."""
    stalls_after: int | None = None
    """Pictures before no further one comes, though the connection stands."""
    same: bool = False
    """Whether all pictures are the same one."""
    level: int = 128
    """Mean grey level."""
    size: tuple[int, int] = (48, 64)
    """Height and width, in pixels."""
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def picture(self, number: int) -> bytes:
        """A JPEG that differs from the one before, unless `same`."""
        draw = np.random.default_rng(0 if self.same else number)
        noise = draw.integers(-self.level // 2, self.level // 2 + 1, (*self.size, 3))
        return encode_jpeg((self.level + noise).astype(np.uint8), 90)

    def lets_in(self, header: str | None) -> bool:
        """Whether the caller knows the password."""
        wanted = base64.b64encode(f"tech:{self.password}".encode()).decode()
        return self.password is None or header == f"Basic {wanted}"


def _handler(camera: MjpegCamera) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            """Say nothing."""

        def do_GET(self) -> None:
            """Send pictures until told otherwise."""
            if not camera.lets_in(self.headers.get("Authorization")):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
                return
            camera.connections += 1
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                self._send()
            except OSError:
                return

        def _send(self) -> None:
            number = 0
            while not camera.closing.is_set() and (camera.frames is None or number < camera.frames):
                if camera.stalls_after is not None and number >= camera.stalls_after:
                    camera.closing.wait(30)
                    return
                data = camera.picture(number)
                head = b"%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (BOUNDARY, len(data))
                self.wfile.write(head + data + b"\r\n")
                number += 1
                camera.closing.wait(0.01)

    return Handler


@contextmanager
def mjpeg_camera(**does: object) -> Iterator[MjpegCamera]:
    """Run one on a free port of this machine; what it does may be changed while it runs."""
    camera = MjpegCamera(**does)  # type: ignore[arg-type]  # the fields by name
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(camera))
    server.daemon_threads = True
    camera.url = f"http://127.0.0.1:{server.server_port}/video"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield camera
    finally:
        camera.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""An RTSP camera that says no: one status to every request."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def rtsp_camera(status: int) -> Iterator[str]:
    """Answer every request with this status, until the block ends; gives the stream's URL."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(2)
                _answer_one(caller, status)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"rtsp://127.0.0.1:{listening.getsockname()[1]}/live"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def _answer_one(caller: socket.socket, status: int) -> None:
    try:
        while request := caller.recv(4096):
            numbers = [line.split()[1] for line in request.split(b"\r\n") if line.lower().startswith(b"cseq:")]
            caller.sendall(b"RTSP/1.0 %d Status\r\nCSeq: %s\r\n\r\n" % (status, numbers[0] if numbers else b"1"))
    except OSError:
        return

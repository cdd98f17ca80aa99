import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import pytest
from support.ports import cluster_offset

SCREEN = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A terminal with `flawgate top` in it."""

    def __init__(self, descriptor: int, child: "subprocess.Popen[bytes]") -> None:
        self._descriptor = descriptor
        self.child = child
        self.seen = ""

    def read_until(self, word: str, timeout_s: float = 60.0) -> None:
        """Wait for a word on the screen."""
        end = time.monotonic() + timeout_s
        while word not in self.seen and time.monotonic() < end:
            if select.select([self._descriptor], [], [], 0.1)[0]:
                self.seen += os.read(self._descriptor, 65_536).decode()
        assert word in self.seen

    def press(self, keys: bytes) -> None:
        """As if somebody typed."""
        os.write(self._descriptor, keys)

    def modes(self) -> list[object]:
        """What the terminal does with keys."""
        return termios.tcgetattr(self._descriptor)[:4]


def _own_terminal() -> None:
    """Let Ctrl-C there interrupt this process."""
    ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def terminal(tmp_path: Path, *arguments: str) -> Iterator[Terminal]:
    """A terminal of 100 × 40 characters."""
    outer, inner = pty.openpty()
    ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "flawgate_cli", "top", *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm"},
        start_new_session=True,
        preexec_fn=_own_terminal,  # noqa: PLW1509  # one ioctl, no locks
    )
    try:
        yield Terminal(outer, child)
    finally:
        child.kill()
        child.wait()
        os.close(inner)
        os.close(outer)


def test_a_single_picture_leaves_the_terminal_alone(tmp_path: Path) -> None:
    """It needs no keys; whoever ends it in between, even by SIGKILL, still sees what is typed."""
    with terminal(tmp_path, "--once", "--interval", "1", "--port-offset", str(cluster_offset())) as screen:
        before = screen.modes()
        while screen.child.poll() is None:
            assert screen.modes() == before
            time.sleep(0.02)
        screen.read_until("DOWN: does not answer")


@pytest.mark.parametrize("way", ["q", "Ctrl-C", "SIGTERM"])
def test_the_terminal_is_as_it_was(tmp_path: Path, way: str) -> None:
    """Keys are shown again, the cursor is, and what was on the screen before, however it is ended."""
    with terminal(tmp_path, "--interval", "0.3", "--port-offset", str(cluster_offset())) as screen:
        before = screen.modes()
        screen.read_until("DOWN: does not answer")
        assert screen.modes() != before
        assert "q ends" in SCREEN.sub("", screen.seen)
        if way == "SIGTERM":
            screen.child.send_signal(signal.SIGTERM)
        else:
            screen.press(b"q" if way == "q" else b"\x03")
        screen.read_until("\x1b[?1049l")
        assert screen.child.wait(30) == 1
        assert screen.modes() == before
        assert "\x1b[?25h" in screen.seen
        assert "Traceback" not in screen.seen

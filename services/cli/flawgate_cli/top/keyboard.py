"""Waiting for a key without keeping the terminal."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Ended = Callable[[float], bool]
"""Waits for so many seconds, or until a key says that it is enough; says whether one did."""


@contextmanager
def watched_keys() -> Iterator[Ended]:
    """A waiter on the terminal's keys: q ends. The terminal is as it was before at the end, however that comes.

    Where standard input is no terminal it only waits.
    """
    if not sys.stdin.isatty():
        yield _only_wait
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        # Keys come at once and are not shown; Ctrl-C still interrupts.
        tty.setcbreak(descriptor)
        yield lambda seconds: _pressed_q(descriptor, seconds)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _only_wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _pressed_q(descriptor: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0]:
            keys = os.read(descriptor, 64)
            if not keys or b"q" in keys.lower():
                return True
    return False

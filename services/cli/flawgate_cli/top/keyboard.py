"""Waiting for a key or a signal without keeping the terminal."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flawgate_cli.stopping import is_noted, noted_signals

Ended = Callable[[float], bool]
"""Waits for so many seconds, or until it is enough; says whether it is."""


@contextmanager
def watched_keys() -> Iterator[Ended]:
    """A waiter on the terminal's keys and on signals: q, Ctrl-C and SIGTERM end.

    The terminal is as it was before at the end, however that comes. Where standard input is no terminal no key is
    waited for.
    """
    with noted_signals() as signals:
        if not sys.stdin.isatty():
            yield lambda seconds: is_noted(signals, seconds)
            return
        keys = sys.stdin.fileno()
        before = termios.tcgetattr(keys)
        try:
            # Keys come at once and are not shown; Ctrl-C still is a signal.
            tty.setcbreak(keys)
            yield lambda seconds: _pressed_or_noted(signals, keys, seconds)
        finally:
            termios.tcsetattr(keys, termios.TCSADRAIN, before)


def _pressed_or_noted(signals: int, keys: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready = select.select([signals, keys], [], [], left)[0]
        if signals in ready:
            return True
        if keys in ready:
            pressed = os.read(keys, 64)
            if not pressed or b"q" in pressed.lower():
                return True
    return False

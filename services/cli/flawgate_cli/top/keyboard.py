"""Waiting for a key or a signal without keeping the terminal."""

import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Ended = Callable[[float], bool]
"""Waits for so many seconds, or until it is enough; says whether it is."""


@contextmanager
def watched_keys() -> Iterator[Ended]:
    """A waiter on the terminal's keys and on signals: q, Ctrl-C and SIGTERM end.

    The terminal is as it was before at the end, however that comes. Where standard input is no terminal no key is
    waited for.
    """
    with _signals() as signals:
        if not sys.stdin.isatty():
            yield lambda seconds: _ended((signals,), seconds)
            return
        keys = sys.stdin.fileno()
        before = termios.tcgetattr(keys)
        try:
            # Keys come at once and are not shown; Ctrl-C still is a signal.
            tty.setcbreak(keys)
            yield lambda seconds: _ended((signals, keys), seconds)
        finally:
            termios.tcsetattr(keys, termios.TCSADRAIN, before)


@contextmanager
def _signals() -> Iterator[int]:
    """A descriptor that has a `q` to read for each SIGINT and SIGTERM.

    An exception instead would come wherever the program is, e.g. between a lock and its release.
    """
    reads, writes = os.pipe2(os.O_NONBLOCK)

    def note(*_: object) -> None:
        os.write(writes, b"q")

    former = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield reads
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        os.close(reads)
        os.close(writes)


def _ended(descriptors: Sequence[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for each in select.select(descriptors, [], [], left)[0]:
            keys = os.read(each, 64)
            if not keys or b"q" in keys.lower():
                return True
    return False

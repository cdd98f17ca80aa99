"""Signals that end a command, noted where waiting for them is safe."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def noted_signals() -> Iterator[int]:
    """A descriptor that has something to read from the first SIGINT or SIGTERM on, for `is_noted`.

    An exception instead would come wherever the program is, e.g. between a lock and its release; and a
    `threading.Event` takes a lock that the interrupted wait for it may hold, which then lasts for ever.
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)

    def note(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):  # full of notes already
            os.write(writes, b"!")

    former = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield reads
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        os.close(reads)
        os.close(writes)


def is_noted(signals: int, seconds: float) -> bool:
    """Wait for so many seconds, or less where a signal came, and say whether one came. It stays noted.

    Args:
        signals: what `noted_signals` gave.
        seconds: not at all where 0 or less.
    """
    return bool(select.select([signals], [], [], max(0.0, seconds))[0])

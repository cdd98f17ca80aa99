"""How the process keeps its memory."""

import ctypes

_MMAP_MAX, _TRIM_THRESHOLD = -4, -1
"""Parameters of glibc's `mallopt`."""


def keep_buffers() -> None:
    """Let the C library keep what is freed, instead of giving large buffers back and fetching them at every step.

    Where page faults are dear, as in virtual machines, a step on the CPU is up to twice as fast; the process holds its
    peak of memory until it ends. Without effect where the C library is not glibc.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_MMAP_MAX, 0)
        tune(_TRIM_THRESHOLD, -1)

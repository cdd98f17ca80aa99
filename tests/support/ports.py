"""Free ports of this machine, for what cannot be started on port 0.

Nobody else takes them between being chosen and being listened on: they lie below those that Linux gives out by itself
(32768 and up, for port 0 and for connections), and each worker of pytest-xdist has a block of its own.
"""

import itertools
import os
import random
import socket
from dataclasses import fields

from flawgate_cli.local_cluster.layout import LOOPBACK, Ports

FIRST, BLOCK, BLOCKS = 12_000, 2_500, 8
_DOORS: list[int] = [getattr(Ports(), field.name) for field in fields(Ports)]


class PortBlock:
    """Gives out the ports of one block, one after the other.

    Args:
        worker: as pytest-xdist calls it: gw0, gw1, ...
    """

    def __init__(self, worker: str) -> None:
        self._first = FIRST + int(worker.removeprefix("gw")) % BLOCKS * BLOCK
        # Two runs of the tests on one machine begin at different ports.
        self._next = itertools.count(random.randrange(BLOCK))  # noqa: S311 - no secret

    def port(self) -> int:
        """A TCP port of loopback on which nobody listens, and which was not given out a moment ago."""
        ports = (self._first + number % BLOCK for number in self._next)
        return next(port for port in ports if _is_free(port))

    def offset(self) -> int:
        """An offset at which all ports of a cluster are free."""
        room = BLOCK - (max(_DOORS) - min(_DOORS))
        offsets = (self._first - min(_DOORS) + number % room for number in self._next)
        return next(offset for offset in offsets if all(_is_free(door + offset) for door in _DOORS))


_block = PortBlock(os.environ.get("PYTEST_XDIST_WORKER", "gw0"))


def free_port() -> int:
    """See `PortBlock.port`."""
    return _block.port()


def cluster_ports() -> Ports:
    """Free ports for each door of a cluster."""
    return Ports(*(_block.port() for _ in _DOORS))


def cluster_offset() -> int:
    """See `PortBlock.offset`."""
    return _block.offset()


def _is_free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True

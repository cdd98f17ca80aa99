"""A name server of a few names, each with any number of addresses, as a headless Service has."""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from support.netns import SWITCH_ADDRESS, thread_on

A = 1
ANSWER, NO_SUCH_NAME = 0x8580, 0x8583
TTL_S = 1


class NameServer:
    """Answers until it is stopped; names may be given other addresses at any time."""

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        self.addresses = dict(addresses)
        self._stopped = threading.Event()
        self.listening = threading.Event()

    def run(self) -> None:
        """Serve; in a thread of the host."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.bind((SWITCH_ADDRESS, 53))
            door.settimeout(0.2)
            self.listening.set()
            while not self._stopped.is_set():
                try:
                    question, caller = door.recvfrom(4096)
                except TimeoutError:
                    continue
                door.sendto(self.answer(question), caller)

    def stop(self) -> None:
        """No answers any more."""
        self._stopped.set()

    def answer(self, question: bytes) -> bytes:
        """The message that answers a message of one question (RFC 1035 section 4)."""
        number = question[:2]
        name, end = _name(question)
        kind = struct.unpack_from(">H", question, end)[0]
        known = self.addresses.get(name)
        found = known if known and kind == A else ()
        head = struct.pack(">HHHHH", ANSWER if known else NO_SUCH_NAME, 1, len(found), 0, 0)
        records = (struct.pack(">HHHIH", 0xC00C, A, 1, TTL_S, 4) + socket.inet_aton(address) for address in found)
        return number + head + question[12 : end + 4] + b"".join(records)


@contextmanager
def name_server(namespace: str, addresses: Mapping[str, Sequence[str]]) -> Iterator[NameServer]:
    """One on a host, for the length of a block."""
    server = NameServer(addresses)
    thread = thread_on(namespace, server.run)
    try:
        assert server.listening.wait(10)
        yield server
    finally:
        server.stop()
        thread.join()


def _name(message: bytes) -> tuple[str, int]:
    """Of the first question, and where it ends."""
    labels, at = [], 12
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels).lower(), at + 1

"""What a spool knows beside its frames, in one small file that is never without a whole copy, nor in need of space.

Two slots of 4 KiB are written in turn, in place: a kill or a power cut spoils at most the one that is being written,
and the one before it stands. Since the place is taken already, a full disk does not keep it from being written.
"""

import json
import os
import struct
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flawgate_camera.frames import DropCause, Gap
from flawgate_contracts.repository.files import put_whole

NAME = "state"
SLOT_BYTES = 4096
MOST_GAPS = 12
"""Of each kind: as many as a slot has room for."""
_HEAD = struct.Struct("<II")
"""Length and CRC-32 of the JSON that follows."""


@dataclass(frozen=True, slots=True)
class State:
    """What must outlive the process.

    Attributes:
        stream_id: of the numbering.
        next_sequence: no number before it is given out again.
        settled: all up to it is answered.
        expired: gaps before the log's first record.
        tail: gaps behind the log's last record.
        generation: grows with every writing.
    """

    stream_id: UUID
    next_sequence: int = 1
    settled: int = 0
    expired: tuple[Gap, ...] = ()
    tail: tuple[Gap, ...] = ()
    generation: int = 0


class StateFile:
    """The file; for one writer."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def read(self) -> State | None:
        """What was written last; None where nothing was, or both slots are damaged."""
        if not self._path.exists():
            return None
        data = self._path.read_bytes()
        states = [_state(data[start : start + SLOT_BYTES]) for start in (0, SLOT_BYTES)]
        return max(filter(None, states), key=lambda state: state.generation, default=None)

    def write(self, state: State) -> State:
        """Replace what was written; it is on the disk when this returns.

        Returns:
            What was written: the next generation.

        Raises:
            OSError: it cannot be written; what was written before stands.
        """
        renewed = replace(state, generation=state.generation + 1)
        if not self._path.exists():
            put_whole(self._path, bytes(2 * SLOT_BYTES))
        descriptor = os.open(self._path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, _slot(renewed), renewed.generation % 2 * SLOT_BYTES)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return renewed


def _slot(state: State) -> bytes:
    document = {
        "stream_id": str(state.stream_id),
        "next_sequence": state.next_sequence,
        "settled": state.settled,
        "expired": [_from_gap(gap) for gap in state.expired],
        "tail": [_from_gap(gap) for gap in state.tail],
        "generation": state.generation,
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    return (_HEAD.pack(len(text), zlib.crc32(text)) + text).ljust(SLOT_BYTES, b"\0")


def _state(slot: bytes) -> State | None:
    if len(slot) < SLOT_BYTES:
        return None
    length, crc = _HEAD.unpack_from(slot)
    text = slot[_HEAD.size : _HEAD.size + length]
    if not text or len(text) != length or zlib.crc32(text) != crc:
        return None
    document = json.loads(text)
    return State(
        stream_id=UUID(document["stream_id"]),
        next_sequence=document["next_sequence"],
        settled=document["settled"],
        expired=tuple(_to_gap(gap) for gap in document["expired"]),
        tail=tuple(_to_gap(gap) for gap in document["tail"]),
        generation=document["generation"],
    )


def _from_gap(gap: Gap) -> list[Any]:
    return [gap.first, gap.last, gap.cause, gap.since.isoformat(), gap.until.isoformat()]


def _to_gap(facts: list[Any]) -> Gap:
    first, last, cause, since, until = facts
    return Gap(first, last, DropCause(cause), datetime.fromisoformat(since), datetime.fromisoformat(until))

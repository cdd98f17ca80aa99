"""One record of the log: a head of fixed length with its own CRC-32, then what it is about, the frame, the judgement.

The head stands alone, so that a log is read over in small steps, and a reader finds the next record behind a damaged
one by looking for a head.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flawgate_camera.delivery.base import Item
from flawgate_camera.frames import CapturedFrame, DropCause, Gap, Layout, Trigger

MAGIC = b"\xf5FGR"
"""Begins a head; the first byte is none of UTF-8."""
_HEAD = struct.Struct("<4sQQIIIII")
"""Magic, first and last number, bytes of facts, of the frame and of the judgement, CRC-32 of these, of the head."""
HEAD_BYTES = _HEAD.size
_CRC_BYTES = 4


class DamagedRecordError(Exception):
    """The bytes are not those that were written."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a record's first bytes say.

    Attributes:
        first: number of the frame, or the gap's first.
        last: the same, or the gap's last.
        lengths: bytes of the facts (JSON), the frame and the judgement that follow.
        crc: CRC-32 of what follows.
    """

    first: int
    last: int
    lengths: tuple[int, int, int]
    crc: int

    @property
    def total(self) -> int:
        """Bytes of the whole record."""
        return HEAD_BYTES + sum(self.lengths)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which process wrote a record: the readings of one monotonic clock mean nothing to another process.

    Attributes:
        process: any name that no other process has.
    """

    process: str


def encode(item: Item, origin: Origin) -> bytes:
    """The record of a frame or gap."""
    if isinstance(item, Gap):
        facts: dict[str, Any] = {"cause": item.cause, "since": item.since.isoformat(), "until": item.until.isoformat()}
        return _record(item.first, item.last, (_json(facts), b"", b""))
    facts = {
        "acquired_at": item.acquired_at.isoformat(),
        "acquired": item.acquired,
        "process": origin.process,
        "trigger": asdict(item.trigger),
        "layout": asdict(item.layout) if item.layout else None,
        "judged": item.decided is not None,
    }
    return _record(item.sequence, item.sequence, (_json(facts), item.data, item.decided or b""))


def head_of(data: bytes) -> Head | None:
    """Read a head; None where there is none.

    Args:
        data: at least `HEAD_BYTES`, else there is none.
    """
    if len(data) < HEAD_BYTES:
        return None
    magic, first, last, *lengths, crc, own_crc = _HEAD.unpack_from(data)
    if magic != MAGIC or own_crc != zlib.crc32(data[: HEAD_BYTES - _CRC_BYTES]):
        return None
    return Head(first, last, (lengths[0], lengths[1], lengths[2]), crc)


def decode(head: Head, body: bytes, origin: Origin) -> Item:
    """The frame or gap of a record.

    Args:
        head: of the record.
        body: what follows it.
        origin: who reads: a frame of another process has no `acquired`.

    Raises:
        DamagedRecordError: it is not what was written.
    """
    if len(body) != sum(head.lengths) or zlib.crc32(body) != head.crc:
        raise DamagedRecordError
    facts_end, frame_end = head.lengths[0], head.lengths[0] + head.lengths[1]
    facts = json.loads(body[:facts_end])
    if "cause" in facts:
        since, until = (datetime.fromisoformat(facts[name]) for name in ("since", "until"))
        return Gap(head.first, head.last, DropCause(facts["cause"]), since, until)
    return _frame(head.first, facts, body[facts_end:frame_end], body[frame_end:], origin)


def _frame(sequence: int, facts: dict[str, Any], data: bytes, decided: bytes, origin: Origin) -> CapturedFrame:
    return CapturedFrame(
        sequence=sequence,
        data=data,
        layout=Layout(**facts["layout"]) if facts["layout"] else None,
        acquired_at=datetime.fromisoformat(facts["acquired_at"]),
        acquired=facts["acquired"] if facts["process"] == origin.process else None,
        trigger=Trigger(**facts["trigger"]),
        decided=decided if facts["judged"] else None,
    )


def _json(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, separators=(",", ":")).encode()


def _record(first: int, last: int, parts: Sequence[bytes]) -> bytes:
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    head = _HEAD.pack(MAGIC, first, last, *map(len, parts), crc, 0)[:-_CRC_BYTES]
    return b"".join((head, zlib.crc32(head).to_bytes(_CRC_BYTES, "little"), *parts))

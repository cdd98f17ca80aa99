"""Which frames a variant gets: a share of them, drawn by a hash, so that tries of one inspection agree everywhere."""

import hashlib
from typing import Literal
from uuid import uuid4

from flawgate_gateway.records.submission import Submission

Purpose = Literal["canary", "shadow"]

_BYTES = 6
"""Of the hash; so many are exact as a float."""
_ALL = float(1 << 8 * _BYTES)


def drawn(key: str, share: float, purpose: Purpose) -> bool:
    """Whether a key falls into a share.

    Args:
        key: the same for all tries of one inspection.
        share: of all keys, 0 to 1. A key that falls into a share falls into every larger one, too.
        purpose: shares of different purposes are drawn independently of each other.
    """
    first = hashlib.sha256(f"{purpose}\n{key}".encode()).digest()[:_BYTES]
    return int.from_bytes(first) / _ALL < share


def key_of(submission: Submission) -> str:
    """What a submission is drawn by: its number in a stream, or its idempotency key; by chance where it has neither."""
    if submission.capture is not None:
        return f"{submission.capture.stream_id}/{submission.capture.sequence}"
    if submission.idempotency_key is not None:
        return f"{submission.caller.id}/{submission.idempotency_key}"
    return str(uuid4())

"""Who asks for an inspection, and under which idempotency key.

Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

import hashlib
from dataclasses import dataclass

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.access.caller import ANYONE, Caller
from flawgate_gateway.answer import Capture, Variant
from flawgate_gateway.frames import CameraStream, InspectionOrder

MAX_KEY_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Submission:
    """A request for an inspection, apart from what is to be inspected."""

    caller: Caller = ANYONE
    idempotency_key: str | None = None
    """1 to 255 characters of printable ASCII: the same for all tries of one inspection. None: each try is one."""
    stream: CameraStream | None = None
    """Whose frame it is; None: it came by itself."""
    capture: Capture | None = None
    """Which frame of the stream: its number is what keeps it from being recorded twice."""
    variant: Variant | None = None
    """Which variant is to judge; None: whichever it falls to."""


def fingerprint(order: InspectionOrder, frame_sha256: str, variant: Variant | None = None) -> str:
    """What tells one request from another under the same key: SHA-256, hexadecimal.

    The deadline has no part in it: a caller who tries again may have less time left. The variant that is named has:
    whoever asks for the canary is not told what the stable one said.
    """
    fields = order.model_dump_json(exclude={"deadline_ms"})
    return hashlib.sha256(f"{frame_sha256}\n{fields}\n{variant or ''}".encode()).hexdigest()


def checked_key(key: str) -> str:
    """An idempotency key as it was sent: quoted, as a string of RFC 8941, or bare.

    Raises:
        InvalidParameter: it is empty, too long, quoted at one end, or holds other characters than printable ASCII.
    """
    bare = key.strip()
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        bare = bare[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    half_quoted = bare == key.strip() and '"' in (bare[:1], bare[-1:])
    if half_quoted or not 1 <= len(bare) <= MAX_KEY_CHARACTERS or not bare.isascii() or not bare.isprintable():
        raise InvalidParameter(
            f"The idempotency key must have 1 to {MAX_KEY_CHARACTERS} characters of printable ASCII, bare or between "
            "quotes; a UUID is best.",
            {"field": "Idempotency-Key"},
        )
    return bare

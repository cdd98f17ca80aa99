"""The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07)."""

from fastapi import Request

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.records.submission import checked_key

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
"""`true` where the answer is the one that an earlier request with the same key got."""


def read_key(request: Request) -> str | None:
    """The key of a request; None where it has none.

    Raises:
        InvalidParameter: there are several, or it is not written as it must be.
    """
    sent = request.headers.getlist(KEY_HEADER)
    if len(set(sent)) > 1:
        raise InvalidParameter(f"The header {KEY_HEADER} is sent twice; send it once.", {"field": KEY_HEADER})
    return checked_key(sent[0]) if sent else None

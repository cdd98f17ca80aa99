"""Finding out who calls, from the key that came along."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from flawgate_contracts.errors import RecordsUnavailable, Unauthenticated, UnknownKey
from flawgate_gateway.access.caller import Caller
from flawgate_gateway.access.keys import ApiKey, KeyBook
from flawgate_gateway.access.memory import ShortMemory
from flawgate_gateway.access.tokens import HOW, KeyText, read_bearer
from flawgate_gateway.database.moments import now_us, to_us

log = structlog.get_logger(__name__)

MAX_KNOWN = 10_000
MAX_UNKNOWN = 10_000
MAX_LOOKUPS = 4
"""Look-ups at once: a flood of keys that do not exist leaves connections of the database for the inspections."""
LOOKUP_S = 5.0


class Authenticator:
    """Checks keys against those in the database, and remembers what it found there for a few seconds.

    So a new key is good, and a revoked one refused, after `ttl_s` at the latest. Where the database does not answer,
    nobody is let in whose key is not remembered.

    Args:
        keys: the keys.
        ttl_s: seconds for which a key, or that there is none of that id, is remembered.
        max_unknown: most ids remembered that are no key's.
        lookup_s: longest wait for a look-up, in seconds, its turn included.
    """

    def __init__(
        self, keys: KeyBook, *, ttl_s: float, max_unknown: int = MAX_UNKNOWN, lookup_s: float = LOOKUP_S
    ) -> None:
        self._keys = keys
        # Apart, so that a flood of unknown keys does not make the gateway forget the good ones.
        self._known: ShortMemory[str, _Found] = ShortMemory(ttl_s=ttl_s, max_entries=MAX_KNOWN)
        self._unknown: ShortMemory[str, _Found] = ShortMemory(ttl_s=ttl_s, max_entries=max_unknown)
        self._lookup_s = lookup_s
        self._lookups = asyncio.Semaphore(MAX_LOOKUPS)

    async def authenticate(self, authorizations: Sequence[str]) -> Caller:
        """Whoever holds the key.

        Args:
            authorizations: the values of all headers `Authorization` of a request.

        Raises:
            Unauthenticated: no key came, or one that is unknown, wrong, expired or revoked.
            RecordsUnavailable: the keys cannot be looked up.
        """
        text = read_bearer(authorizations)
        key = await self._find(text.id)
        if key is None or not text.secret.fits(key.secret_sha256):
            raise _refused(text, "unknown" if key is None else "wrong secret", "There is no such API key")
        if key.revoked_at is not None:
            raise _refused(text, "revoked", f"The API key {text.id} was revoked")
        if key.expires_at is not None and to_us(key.expires_at) <= now_us():
            raise _refused(text, "expired", f"The API key {text.id} has expired")
        return key.caller()

    async def _find(self, key_id: str) -> ApiKey | None:
        """The key of that id, remembered or looked up; None where there is none."""
        remembered = self._remembered(key_id)
        if remembered is not None:
            return remembered.key
        try:
            async with asyncio.timeout(self._lookup_s), self._lookups:
                # Another request may have asked for the same key while this one waited for its turn.
                remembered = self._remembered(key_id)
                return await self._looked_up(key_id) if remembered is None else remembered.key
        except TimeoutError as err:
            sentence = "The API keys cannot be looked up just now; send the request again shortly."
            raise RecordsUnavailable(sentence) from err

    async def _looked_up(self, key_id: str) -> ApiKey | None:
        try:
            key = await self._keys.find(key_id)
        except UnknownKey:
            self._unknown.put(key_id, _Found(None))
            return None
        self._known.put(key_id, _Found(key))
        return key

    def _remembered(self, key_id: str) -> "_Found | None":
        return self._known.get(key_id) or self._unknown.get(key_id)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a look-up gave: a key, or that there is none of that id."""

    key: ApiKey | None


def _refused(text: KeyText, why: str, sentence: str) -> Unauthenticated:
    log.info("key refused", key=text.id, why=why)
    return Unauthenticated(f"{sentence}; {HOW} that is good.", {"key": text.id})

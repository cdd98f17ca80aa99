"""The text of an API key: `fg_<id>_<secret>`. The id is public, the secret is shown once and never stored."""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass

from flawgate_contracts.errors import Unauthenticated

ID_CHARACTERS = string.ascii_lowercase + string.digits
ID_LENGTH = 12
SECRET_BYTES = 32

_ID = re.compile(rf"[a-z0-9]{{{ID_LENGTH}}}")
_KEY = re.compile(rf"fg_({_ID.pattern})_([A-Za-z0-9_-]{{43}})")
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
MAX_CHARACTERS = 256
"""Longest header `Authorization` that is looked at."""
HOW = "send the header `Authorization: Bearer fg_...` with an API key"


@dataclass(frozen=True, slots=True)
class KeyText:
    """An API key as its owner holds it. Its `repr` does not show the secret."""

    id: str
    """12 characters of a–z and 0–9."""
    secret: "Secret"

    @classmethod
    def new(cls) -> "KeyText":
        """A key that nobody has: 256 random bits."""
        key_id = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
        return cls(key_id, Secret(secrets.token_urlsafe(SECRET_BYTES)))

    def reveal(self) -> str:
        """The whole text; for its owner's eyes alone."""
        return f"fg_{self.id}_{self.secret.value}"


@dataclass(frozen=True, slots=True)
class Secret:
    """The part of a key that only its owner knows."""

    value: str

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def sha256(self) -> str:
        """What is stored of it. 256 random bits cannot be guessed, so a slow hash would only slow us down."""
        return hashlib.sha256(self.value.encode()).hexdigest()

    def fits(self, sha256: str) -> bool:
        """Whether it is the one that was stored; takes as long for a wrong one."""
        return hmac.compare_digest(self.sha256(), sha256)


def is_id(text: str) -> bool:
    """Whether a text may be the id of a key."""
    return _ID.fullmatch(text) is not None


def read_bearer(authorizations: Sequence[str]) -> KeyText:
    """The key in the headers `Authorization` of a request.

    Raises:
        Unauthenticated: there is none, more than one, or one that is no key.
    """
    if not authorizations:
        raise Unauthenticated(f"No API key came with the request; {HOW}.")
    if len(authorizations) > 1:
        raise Unauthenticated(f"Several headers `Authorization` came; {HOW}, once.")
    said = authorizations[0]
    bearer = _BEARER.fullmatch(said) if len(said) <= MAX_CHARACTERS else None
    key = _KEY.fullmatch(bearer[1]) if bearer else None
    if key is None:
        raise Unauthenticated(f"What stands in `Authorization` is no API key of Flawgate; {HOW}.")
    return KeyText(key[1], Secret(key[2]))

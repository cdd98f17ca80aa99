"""Whoever calls: an API key, or nobody in particular where access is off."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a key may be used for. `admin` includes all others."""

    INSPECT = "inspect"
    READ = "read"
    REVIEW = "review"
    POLICY = "policy"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose key was good."""

    id: str
    """Of the key; its public part. Idempotency keys of different callers are different."""
    name: str
    """As an administrator named the key: stands in reviews and in the history of policies."""
    scopes: frozenset[Scope]
    requests_per_s: float | None = None
    """How often it may ask, on average; None: as often as the gateway lets any key."""

    def may(self, scope: Scope) -> bool:
        """Whether the key's scopes include one."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


ANYONE = Caller("anyone", "anyone", frozenset({Scope.ADMIN}))
"""Every caller, where access is off."""

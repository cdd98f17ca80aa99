"""The gate before every door: who calls, how often, and what for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from flawgate_contracts.errors import FlawgateError, PermissionDenied
from flawgate_gateway.access.authenticating import Authenticator
from flawgate_gateway.access.caller import ANYONE, Caller, Scope
from flawgate_gateway.access.rates import Quota, RateLimits

log = structlog.get_logger(__name__)

Refused = Callable[[str], None]
"""Counts a refusal under the reason of its error."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that was let in."""

    caller: Caller
    quota: Quota | None
    """What the caller's rate leaves; None where nobody counts."""


class Gate(Protocol):
    """Lets requests in."""

    async def admit(self, authorizations: Sequence[str]) -> Admitted:
        """Let one request in.

        Args:
            authorizations: the values of all its headers `Authorization`.

        Raises:
            Unauthenticated: none of the keys that there are came with it.
            RateLimited: the key asks too often.
            RecordsUnavailable: the keys cannot be looked up.
        """

    def permit(self, caller: Caller, scope: Scope) -> None:
        """See that the caller may do something.

        Raises:
            PermissionDenied: the key's scopes do not include it.
        """


class OpenGate:
    """Lets everybody do everything: for development. Says so once, in the log."""

    def __init__(self) -> None:
        log.warning(
            "access is off: whoever reaches this gateway may do everything; never so in production",
            setting="GATEWAY_ACCESS=off-for-development",
        )

    async def admit(self, authorizations: Sequence[str]) -> Admitted:
        """See `Gate`."""
        del authorizations
        return Admitted(ANYONE, None)

    def permit(self, caller: Caller, scope: Scope) -> None:
        """See `Gate`."""


class KeyGate:
    """Asks for an API key, and counts what its owner does."""

    def __init__(self, authenticator: Authenticator, limits: RateLimits, refused: Refused) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._refused = refused

    async def admit(self, authorizations: Sequence[str]) -> Admitted:
        """See `Gate`."""
        try:
            caller = await self._authenticator.authenticate(authorizations)
            return Admitted(caller, self._limits.take(caller))
        except FlawgateError as error:
            self._refused(error.reason)
            raise

    def permit(self, caller: Caller, scope: Scope) -> None:
        """See `Gate`."""
        if caller.may(scope):
            return
        self._refused(PermissionDenied.reason)
        raise PermissionDenied(
            f"The key {caller.id} lacks the scope `{scope}`; use one that has it, or let an administrator make one.",
            {"scope": scope, "key": caller.id},
        )

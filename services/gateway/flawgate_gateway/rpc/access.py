"""The lock of the gRPC door: the key travels in the metadata `authorization`, written as the header of that name."""

from collections.abc import Awaitable, Callable

import structlog

from flawgate_contracts.interceptors import Context
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.access.gate import Gate

AUTHORIZATION = "authorization"


def admitting(gate: Gate) -> Callable[[Context, Scope], Awaitable[Caller]]:
    """What gives a call's caller, who has a scope; the log lines of the call then name the key.

    Raises:
        Unauthenticated: (when called) no good key came with the call.
        PermissionDenied: (when called) the key has not that scope.
        RateLimited: (when called) the key asks too often.
        RecordsUnavailable: (when called) the keys cannot be looked up.
    """

    async def admit(context: Context, scope: Scope) -> Caller:
        metadata = context.invocation_metadata() or ()
        admitted = await gate.admit([str(value) for key, value in metadata if key == AUTHORIZATION])
        # Each call has a task, and so a context, of its own: nothing need be taken back.
        structlog.contextvars.bind_contextvars(key=admitted.caller.id)
        gate.permit(admitted.caller, scope)
        return admitted.caller

    return admit

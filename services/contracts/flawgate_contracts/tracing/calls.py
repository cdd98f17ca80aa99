"""Spans of gRPC calls, by OpenTelemetry's semantic conventions for RPC."""

from flawgate_contracts.context import RequestContext
from flawgate_contracts.tracing.doors import Served
from flawgate_contracts.tracing.spans import ERROR_TYPE

OURS = "/flawgate."
"""How the methods of our services begin; health and reflection are asked too often to be worth a span."""
OURS_TO_MEND = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
"""Codes for which the conventions call a server's span failed."""


def served_call(method: str, request: RequestContext, *, streaming: bool) -> Served:
    """A call being served.

    A stream has no span of its own: it lasts for days, and what happens within it has.

    Args:
        method: `/package.Service/Method`.
        request: its context.
        streaming: whether either side streams.
    """
    name = method.removeprefix("/")
    attributes = {"rpc.system.name": "grpc", "rpc.method": name}
    return Served(request, name, attributes, traced=method.startswith(OURS) and not streaming)


def tell_call(served: Served, code: str, reason: str | None) -> None:
    """Say how a call ended.

    Args:
        served: the call.
        code: name of its gRPC status.
        reason: of its error; None where there is none.
    """
    attributes = {"rpc.response.status_code": code}
    if code != "OK":
        attributes[ERROR_TYPE] = reason or code
    served.answered(attributes, failed=code in OURS_TO_MEND)

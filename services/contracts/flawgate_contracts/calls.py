"""Calling another Flawgate service: channel, deadline, context and errors, the same everywhere."""

from typing import TypeVar

import grpc

from flawgate_contracts.context import current_context
from flawgate_contracts.grpc_errors import from_rpc_error

Request = TypeVar("Request")
Response = TypeVar("Response")


def create_channel(target: str, *, max_message_bytes: int) -> grpc.aio.Channel:
    """A channel that comes back within a second after its target does.

    Args:
        target: `host:port`.
        max_message_bytes: longest message sent or taken, in bytes.
    """
    return grpc.aio.insecure_channel(
        target,
        options=[
            ("grpc.max_send_message_length", max_message_bytes),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.keepalive_time_ms", 30_000),
        ],
    )


async def call(
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request, *, service: str, timeout_s: float
) -> Response:
    """Call a unary method within what is left of the current deadline.

    Args:
        method: a stub's method.
        request: its request message.
        service: name of the service that is called, for errors.
        timeout_s: longest time that this call may take, in seconds, even where the deadline leaves more.

    Raises:
        FlawgateError: of the class that the other side raised, or what the network's status stands for.
        DeadlineExceeded: no time is left.
    """
    context = current_context()
    left = context.remaining_s()
    try:
        return await method(
            request,
            timeout=timeout_s if left is None else min(timeout_s, left),
            metadata=tuple(context.metadata().items()),
        )
    except grpc.aio.AioRpcError as err:
        raise from_rpc_error(err, service=service) from err

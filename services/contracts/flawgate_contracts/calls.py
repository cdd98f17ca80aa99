"""Calling another Flawgate service: channel, deadline, context, errors and further tries, the same everywhere."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import TypeVar

import grpc

from flawgate_contracts.balancing import BalancedChannel
from flawgate_contracts.context import current_context
from flawgate_contracts.grpc_errors import from_rpc_error
from flawgate_contracts.tls.calling import RenewedChannel, open_channel
from flawgate_contracts.tls.kept import KeptTls

Request = TypeVar("Request")
Response = TypeVar("Response")

PAUSES_S = (0.05, 0.2)
"""Before the second try and the third, in seconds, give or take half."""


def create_channel(target: str, *, max_message_bytes: int, tls: KeptTls | None = None) -> grpc.aio.Channel:
    """A channel over all servers of a name, or to one; it comes back within a second after its target does.

    Args:
        target: `host:port`, whose name may have several addresses, or a list of them: `ipv4:10.0.0.1:80,10.0.0.2:80`.
            With TLS each server's certificate must name the host, so a list does without.
        max_message_bytes: longest message sent or taken, in bytes.
        tls: what is trusted and shown; None for a channel without TLS.
    """
    options = (
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_receive_message_length", max_message_bytes),
    )
    return BalancedChannel(
        lambda given: open_channel(target, None, given) if tls is None else RenewedChannel(tls, target, given), options
    )


async def call(
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
    request: Request,
    *,
    service: str,
    timeout_s: float,
    again: Callable[[], None] | None = None,
) -> Response:
    """Call a unary method within what is left of the current deadline.

    Args:
        method: a stub's method.
        request: its request message.
        service: name of the service that is called, for errors.
        timeout_s: longest time that this call may take, in seconds, even where the deadline leaves more.
        again: is told before each further try where a server was UNAVAILABLE, two at most; None for a method that
            does more than answer, and so is called once.

    Raises:
        FlawgateError: of the class that the other side raised, or what the network's status stands for.
        DeadlineExceeded: no time is left.
    """
    ends = time.monotonic() + timeout_s
    pauses = iter(PAUSES_S if again is not None else ())
    while True:
        try:
            return await _tried(method, request, ends - time.monotonic())
        except grpc.aio.AioRpcError as err:
            pause_s = next(pauses, None) if err.code() is grpc.StatusCode.UNAVAILABLE else None
            if again is None or pause_s is None or not _leaves(pause_s, ends):
                raise from_rpc_error(err, service=service) from err
            again()
            # Calls that were broken off together do not come back together.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  # no secret


async def _tried(
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request, timeout_s: float
) -> Response:
    context = current_context()
    left = context.remaining_s()
    return await method(
        request,
        timeout=timeout_s if left is None else min(timeout_s, left),
        metadata=tuple(context.metadata().items()),
    )


def _leaves(pause_s: float, ends: float) -> bool:
    """Whether there is time for a pause, and more."""
    deadline = current_context().deadline
    return time.monotonic() + 2 * pause_s < (ends if deadline is None else min(ends, deadline))

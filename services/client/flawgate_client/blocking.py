"""The client that blocks."""

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from flawgate_client import calls
from flawgate_client.connection import Connection, Verify, http_arguments
from flawgate_client.conversation import Conversation, Give, Lost, ReadFile, Reply, Request, Send, Step, Stream, Wait
from flawgate_client.retrying import RETRIES, Policy

P = ParamSpec("P")
T = TypeVar("T")


def _one(call: Callable[Concatenate[Policy, P], Conversation[T]]) -> "Callable[Concatenate[Client, P], T]":
    """A call as a method of the client."""

    @wraps(call)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.converse(call(client.policy, *args, **kwargs))

    return method


def _many(call: Callable[Concatenate[Policy, P], Stream[T]]) -> "Callable[Concatenate[Client, P], Iterator[T]]":
    """A call that gives several items, as a method of the client."""

    @wraps(call)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return client.converse_on(call(client.policy, *args, **kwargs))

    return method


class Client:
    """A gateway, asked by blocking. Usable from several threads.

    Args:
        url: of the gateway, `http://127.0.0.1:8080`.
        api_key: None where access is off.
        timeout_s: for the gateway to connect, to take a part of the request, to answer; in seconds.
        retries: tries beside the first, where that may help.
        verify: of TLS; True for the usual authorities, a file of certificates to trust instead, or a context.

    Raises:
        ValueError: one of them cannot be used.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        timeout_s: float = 60.0,
        retries: int = RETRIES,
        verify: Verify = True,
    ) -> None:
        self.policy = Policy(retries)
        connection = Connection(url=url, api_key=api_key, timeout_s=timeout_s, verify=verify)
        self._http = httpx.Client(**connection.http_options())

    inspect = _one(calls.inspect)
    batch = _one(calls.batch)
    get = _one(calls.get)
    list = _many(calls.inspections)
    picture = _one(calls.picture)
    review = _one(calls.review)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def converse(self, conversation: Conversation[T]) -> T:
        """Carry out the steps of a call with one answer."""
        outcome: Any = None
        while True:
            try:
                step = conversation.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # of a Conversation[T] it is T
            outcome = self._carry_out(step)

    def converse_on(self, stream: Stream[T]) -> Iterator[T]:
        """Carry out the steps of a call that gives several items, as far as they are asked for."""
        outcome: Any = None
        while True:
            try:
                step = stream.send(outcome)
            except StopIteration:
                return
            if isinstance(step, Give):
                yield step.item
                outcome = None
            else:
                outcome = self._carry_out(step)

    def _carry_out(self, step: Step) -> bytes | Reply | None:
        match step:
            case ReadFile():
                return step.path.read_bytes()
            case Send():
                return self._send(step.request)
            case Wait():
                time.sleep(step.seconds)
                return None

    def _send(self, request: Request) -> Reply:
        try:
            return self._http.request(**http_arguments(request))
        except httpx.RequestError as err:
            return Lost(err, str(self._http.base_url))

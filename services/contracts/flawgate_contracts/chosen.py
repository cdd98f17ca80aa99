"""Channels that stand before others, and choose for each call which of them carries it."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import grpc


class ChosenChannel(grpc.aio.Channel):
    """A channel whose calls each begin on the channel that is chosen then, and end there."""

    @abstractmethod
    def chosen(self) -> grpc.aio.Channel:
        """The channel for a call that begins now."""

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """See `grpc.aio.Channel`; so too the others."""
        return self._method("unary_unary", *args, **kwargs)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """One request, many answers."""
        return self._method("unary_stream", *args, **kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Many requests, one answer."""
        return self._method("stream_unary", *args, **kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Many of both."""
        return self._method("stream_stream", *args, **kwargs)

    def _method(self, kind: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        def start(*given: Any, **named: Any) -> Any:
            return getattr(self.chosen(), kind)(*args, **kwargs)(*given, **named)

        return start

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002  # grpc's own
        """Of the channel for calls that begin now."""
        return self.chosen().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Of the channel for calls that begin now."""
        await self.chosen().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until a call would not have to wait for a connection."""
        await self.chosen().channel_ready()

    async def __aenter__(self) -> Self:
        """As of any channel."""
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Let go of it."""
        await self.close()

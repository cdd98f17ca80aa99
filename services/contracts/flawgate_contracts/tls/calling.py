"""TLS of calls to other services: channels that are made anew when the files of their certificate have changed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

import grpc

from flawgate_contracts.chosen import ChosenChannel
from flawgate_contracts.tls.files import TlsContents
from flawgate_contracts.tls.kept import KeptTls

T = TypeVar("T")
Options = Sequence[tuple[str, int | str]]

LONGEST_CALL_S = 600.0
"""What runs on a channel that was replaced has so long to come to its end, in seconds."""


def channel_credentials(contents: TlsContents | None) -> grpc.ChannelCredentials | None:
    """What a caller trusts, and shows where it has a certificate; None for a channel without TLS."""
    if contents is None:
        return None
    return grpc.ssl_channel_credentials(contents.ca, *(contents.shown or ()))


def open_channel(target: str, credentials: grpc.ChannelCredentials | None, options: Options) -> grpc.aio.Channel:
    """A channel to `host:port`; without credentials it has no TLS."""
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options)
    return grpc.aio.secure_channel(target, credentials, options=options)


class Renewed(Generic[T]):
    """A channel, or what stands on one, made anew once the files have changed. Of one event loop.

    Args:
        kept: the files; None where calls are made without TLS.
        make: makes one of credentials; None for one without TLS.
        retire: lets go of one when its last call has ended; none begins on it any more.
        close: lets go of one at once.
    """

    def __init__(
        self,
        kept: KeptTls | None,
        make: Callable[[grpc.ChannelCredentials | None], T],
        retire: Callable[[T], Coroutine[Any, Any, None]],
        close: Callable[[T], Awaitable[None]],
    ) -> None:
        self._kept = kept
        self._make = make
        self._retire = retire
        self._close = close
        self._contents = self._in_force()
        self._current = make(channel_credentials(self._contents))
        self._retired: dict[asyncio.Task[None], T] = {}

    def current(self) -> T:
        """The one for calls that begin now."""
        contents = self._in_force()
        if contents is not self._contents:
            retiring = asyncio.ensure_future(self._retire(self._current))
            self._retired[retiring] = self._current
            retiring.add_done_callback(self._retired.pop)
            self._contents, self._current = contents, self._make(channel_credentials(contents))
        return self._current

    def _in_force(self) -> TlsContents | None:
        return None if self._kept is None else self._kept.current()

    async def close(self) -> None:
        """Let go of all of them at once."""
        for retiring, old in list(self._retired.items()):
            retiring.cancel()
            await asyncio.gather(retiring, return_exceptions=True)
            await self._close(old)
        await self._close(self._current)


class RenewedChannel(ChosenChannel):
    """A channel whose calls each begin with what is in force then; none is broken off by the change.

    Args:
        kept: the files.
        target: `host:port`.
        options: of each channel.
    """

    def __init__(self, kept: KeptTls, target: str, options: Options) -> None:
        self._renewed = Renewed(kept, lambda credentials: open_channel(target, credentials, options), _retire, _close)

    def chosen(self) -> grpc.aio.Channel:
        """See `ChosenChannel`."""
        return self._renewed.current()

    async def close(self, grace: float | None = None) -> None:
        """Let go of it, at once: whoever closes it has no call left."""
        del grace
        await self._renewed.close()


async def _retire(channel: grpc.aio.Channel) -> None:
    await channel.close(LONGEST_CALL_S)


async def _close(channel: grpc.aio.Channel) -> None:
    await channel.close()

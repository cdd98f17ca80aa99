"""Calls spread over all servers of one name: those that say SERVING of themselves first, any where none does."""

import json
from collections.abc import Callable, Mapping

import grpc

from flawgate_contracts.chosen import ChosenChannel
from flawgate_contracts.tls.calling import Options

ANY: Mapping[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}
"""One call after the other to the next server."""
SERVING: Mapping[str, object] = {**ANY, "healthCheckConfig": {"serviceName": ""}}
"""The same; each server is watched, and passed over while it says that it does not serve."""
ANY_IDLE_MS = 10_000
"""Where nothing was called for so long, connections to servers that do not serve are let go of."""
CONNECTIONS: Options = (
    # The shortest is also how long a connection may take to come about, so a host that is gone is not waited for.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A server that is cut off without a word is noticed within five seconds, also while it owes an answer. Where the
    # network takes what is sent, only the last of the three ends the wait: a ping of gRPC's own is under way then.
    ("grpc.keepalive_time_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
)
SHORTEST_PING_MS = 1_000
"""What a server must bear of its callers' keepalive."""


class BalancedChannel(ChosenChannel):
    """A channel to all servers of one name.

    A server that does not serve may still have an answer (decision: that nothing can be decided), so it is called where
    no other is left.

    Args:
        opened: makes a channel from options.
        options: of each channel.
    """

    def __init__(self, opened: Callable[[Options], grpc.aio.Channel], options: Options) -> None:
        shared = (*CONNECTIONS, *options)
        self._serving = opened((*shared, _service_config(SERVING)))
        self._any = opened((*shared, _service_config(ANY), ("grpc.client_idle_timeout_ms", ANY_IDLE_MS)))
        self._one_serves = False

    def chosen(self) -> grpc.aio.Channel:
        """See `ChosenChannel`. While a connection to the last server that serves is renewed, calls wait for it."""
        state = self._serving.get_state(try_to_connect=True)
        if state in (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE):
            self._one_serves = state is grpc.ChannelConnectivity.READY
        return self._serving if self._one_serves else self._any

    async def close(self, grace: float | None = None) -> None:
        """Let go of all connections."""
        await self._serving.close(grace)
        await self._any.close(grace)


def _service_config(document: Mapping[str, object]) -> tuple[str, str]:
    return "grpc.service_config", json.dumps(document)

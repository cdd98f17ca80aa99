"""gRPC health that tells every watcher; grpcio-health-checking's own forgets those who stay when one of them goes."""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


class Health(health_pb2_grpc.HealthServicer):
    """Answers Check and Watch; a watcher who reads nothing holds up nobody.

    Args:
        max_watchers: streams at once; further ones are refused, since nobody is asked for a key here.
    """

    def __init__(self, max_watchers: int) -> None:
        self._max_watchers = max_watchers
        self._statuses: dict[str, Any] = {}
        self._news: set[asyncio.Event] = set()
        self._ended = False

    async def set(self, service: str, status: Any) -> None:
        """Tell of a service from now on; `""` is the whole server."""
        self._statuses[service] = status
        self._tell()

    def end(self) -> None:
        """End the stream of each watcher once it is told the last; it would hold up a server that stops."""
        self._ended = True
        self._tell()

    async def Check(  # noqa: N802  # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """See the proto."""
        if request.service not in self._statuses:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service here.")
        return health_pb2.HealthCheckResponse(status=self._statuses[request.service])

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:  # noqa: N802  # gRPC's name
        """See the proto."""
        if len(self._news) >= self._max_watchers:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "As many watch as may; ask by Check.")
        news, told = asyncio.Event(), None
        self._news.add(news)
        try:
            while True:
                news.clear()
                ending = self._ended
                status = self._statuses.get(request.service, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
                if status != told:
                    await context.write(health_pb2.HealthCheckResponse(status=status))
                if ending:
                    return
                told = status
                await news.wait()
        finally:
            self._news.discard(news)

    def _tell(self) -> None:
        for news in self._news:
            news.set()

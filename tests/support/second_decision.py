"""A decision service beside those of a `GatewayCluster`: a real server on a free port, in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from flawgate_inference.model_server import ServedModel
from support.fakes import FakeModelServer
from support.gateway_cluster import LOOPBACK, START_TIMEOUT_S, decision_service


class SecondDecision:
    """The service, until `stop`."""

    def __init__(self, models: Sequence[ServedModel]) -> None:
        self.model_server = FakeModelServer(models)
        self.target = ""
        """`host:port`."""
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run)
        self._ready: Future[None] = Future()

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        self._ready.result(START_TIMEOUT_S)

    def stop(self) -> None:
        """Serve no more."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as err:
            self._ready.set_exception(err)
            raise
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with decision_service(self.model_server, {}) as server:
            self.target = f"{LOOPBACK}:{server.port}"
            self._ready.set_result(None)
            await self._stopped.wait()


@contextmanager
def second_decision(*models: ServedModel) -> Iterator[SecondDecision]:
    """The service over a fake model server."""
    second = SecondDecision(models)
    second.start()
    try:
        yield second
    finally:
        second.stop()

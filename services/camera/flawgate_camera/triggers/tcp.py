"""A trigger by TCP: one line a part, one line of answer each, in the same order.

Whoever reaches the port can trigger, since controllers of lines know no passwords: it listens on loopback unless told
otherwise, and then belongs into the network of the machine.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import structlog

from flawgate_camera.config.network_triggers import TcpTrigger as Config
from flawgate_camera.triggers.network import BUSY, NetworkTrigger
from flawgate_camera.triggers.payload import MAX_BYTES
from flawgate_camera.triggers.queue import TriggerObserver
from flawgate_contracts.startup import StartupError

MOST_UNANSWERED = 64
"""Lines of one connection that wait for their answer; further ones are not read yet."""
ANSWER_WITHIN_S = 5.0
"""For a sender to take an answer, in seconds."""
HELD_BYTES = 16 * 1024
"""Of answers that a sender does not take, held here and as many in the system."""
GOODBYE_S = 1.0
"""For the last answers of a connection to leave, in seconds."""
KEEPALIVE_IDLE_S, KEEPALIVE_EVERY_S, KEEPALIVE_TRIES = 30, 10, 3
"""A sender that lost its power is found out after about a minute."""
TOO_LONG = f"a line has {MAX_BYTES} bytes at most"
_Answers = asyncio.Queue[asyncio.Future[str] | None]
"""In the order of the lines; None ends them."""

log = structlog.get_logger(__name__)


class TcpTrigger(NetworkTrigger):
    """Listens on a port. See `NetworkTrigger`.

    Args:
        config: where, and the bounds.
        camera: its name, for the log.
        observer: told what became of each trigger.
        clock: that of pictures' `acquired`, in seconds.
        answer_within_s: a sender that takes no answer for so long, in seconds, counts as gone.
    """

    def __init__(
        self,
        config: Config,
        camera: str,
        observer: TriggerObserver,
        clock: Callable[[], float] = monotonic,
        *,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        super().__init__(config, camera, observer, clock)
        self._answer_within_s = answer_within_s
        self._config = config
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0
        """That it listens on, once it runs."""

    async def run(self) -> None:
        """See `ServedTrigger`."""
        server = await listen(self._config, self._connected)
        self.port = server.sockets[0].getsockname()[1]
        try:
            await self.expire()
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._config.connections:
            writer.write(f"{BUSY}\n".encode())
            writer.close()
            return
        _bound(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)

        def over(_task: asyncio.Task[None]) -> None:
            # Also for a task that was cancelled before it ran at all, and for a sender that takes nothing.
            self._connections.discard(task)
            writer.transport.abort()

        task.add_done_callback(over)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers: _Answers = asyncio.Queue(MOST_UNANSWERED)
        try:
            async with asyncio.TaskGroup() as works:
                works.create_task(self._answer_all(answers, writer))
                works.create_task(self._read_all(reader, answers))
        except* OSError:
            log.info("the sender of triggers is gone", camera=self._camera)
        finally:
            await _close(writer)

    async def _read_all(self, reader: asyncio.StreamReader, answers: _Answers) -> None:
        """Each line at once, so that no trigger is late because the one before still waits for its picture."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                try:
                    line = await reader.readuntil(b"\n")
                except asyncio.LimitOverrunError:
                    await answers.put(self._too_long())
                    break
                answer = self.offer(line)
                await answers.put(answer)
                if answer.done():  # busy, or no trigger: who floods the port is read as slowly as triggers may come
                    await asyncio.sleep(1 / self._config.max_per_s)
        await answers.put(None)

    def _too_long(self) -> asyncio.Future[str]:
        self.refuse(TOO_LONG)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        answer.set_result(f"error {TOO_LONG}")
        return answer

    async def _answer_all(self, answers: _Answers, writer: asyncio.StreamWriter) -> None:
        while (answer := await answers.get()) is not None:
            writer.write(f"{await answer}\n".encode())
            async with asyncio.timeout(self._answer_within_s):
                await writer.drain()


async def listen(
    config: Config, connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
) -> asyncio.Server:
    """Listen where a table says.

    Raises:
        StartupError: nobody can listen there.
    """
    try:
        return await asyncio.start_server(connected, config.host, config.port, limit=MAX_BYTES)
    except OSError as err:
        why = os.strerror(err.errno) if err.errno and err.errno > 0 else err.strerror
        raise StartupError(
            f"The trigger cannot listen on {config.host}:{config.port} ({why}); take a port that nothing else uses, "
            "and an address of this machine."
        ) from None


async def _close(writer: asyncio.StreamWriter) -> None:
    """Send what is left, but wait for no sender that takes nothing."""
    writer.close()
    with suppress(OSError):  # a TimeoutError is one
        async with asyncio.timeout(GOODBYE_S):
            await writer.wait_closed()


def _bound(writer: asyncio.StreamWriter) -> None:
    """Hold few answers for a sender that takes none, and have the system ask a silent one whether it is still there."""
    writer.transport.set_write_buffer_limits(high=HELD_BYTES)
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": KEEPALIVE_IDLE_S,
        "TCP_KEEPINTVL": KEEPALIVE_EVERY_S,
        "TCP_KEEPCNT": KEEPALIVE_TRIES,
    }
    for name, value in options.items():
        if hasattr(socket, name):  # not every system has them all
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

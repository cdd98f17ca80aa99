"""A Mosquitto of Debian's on a free port, with a configuration of its own."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiomqtt
import pytest

from support.ports import free_port

START_TIMEOUT_S = 10.0


class Mosquitto:
    """A broker that anybody on loopback may use; started and stopped as a test likes."""

    def __init__(self, program: str, folder: Path, rules: str, settings: str) -> None:
        self._program = program
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        (folder / "acl").write_text(rules)
        access = f"acl_file {folder / 'acl'}\n" if rules else ""
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n{access}{settings}"
        )
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._process = self._spawn()
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await self._answers():
                assert self._process.poll() is None, self._log.read_text()
                await asyncio.sleep(0.02)

    def stop(self) -> None:
        """Stop it at once; it forgets what it retained."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_TIMEOUT_S)
            self._process = None

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen([self._program, "-c", str(self._config)], stdout=log, stderr=log)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


@contextmanager
def mosquitto(folder: Path, rules: str = "", settings: str = "") -> Iterator[Mosquitto]:
    """A broker that is not started yet, stopped at the end of the block.

    Skips the test where Mosquitto is not installed.

    Args:
        folder: for its files.
        rules: who may do what on which topic, as in its `acl_file`; empty: everybody everything.
        settings: further lines of its configuration.
    """
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("Mosquitto is not installed: apt-get install mosquitto")
    broker = Mosquitto(program, folder, rules, settings)
    try:
        yield broker
    finally:
        broker.stop()


class Listener:
    """Hears what is published."""

    def __init__(self) -> None:
        self.messages: list[aiomqtt.Message] = []
        self._heard = asyncio.Condition()

    async def until(self, count: int, timeout_s: float = 15.0) -> list[aiomqtt.Message]:
        """Wait for so many messages."""
        async with asyncio.timeout(timeout_s), self._heard:
            await self._heard.wait_for(lambda: len(self.messages) >= count)
        return self.messages

    async def hear(self, client: aiomqtt.Client) -> None:
        """Keep what comes."""
        async for message in client.messages:
            self.messages.append(message)
            async with self._heard:
                self._heard.notify_all()


@asynccontextmanager
async def listening(port: int, topic: str) -> AsyncIterator[Listener]:
    """A listener to topics of a broker on loopback."""
    listener = Listener()
    client = aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5)
    async with client:
        await client.subscribe(topic, qos=1)
        hearing = asyncio.ensure_future(listener.hear(client))
        try:
            yield listener
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

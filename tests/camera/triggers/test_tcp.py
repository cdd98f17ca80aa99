import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from support.alarms import CountingTriggerObserver, picture, running, until
from support.ports import free_port

from flawgate_camera.config.network_triggers import TcpTrigger as Config
from flawgate_camera.triggers import tcp
from flawgate_camera.triggers.base import ServedTrigger
from flawgate_camera.triggers.queue import Fate
from flawgate_camera.triggers.tcp import TcpTrigger
from flawgate_contracts.startup import StartupError

PERIOD_S = 0.01


class Station:
    """A trigger that listens, and a camera that runs where a test says so."""

    def __init__(self, **table: Any) -> None:
        self.observer = CountingTriggerObserver()
        self.trigger = TcpTrigger(Config(kind="tcp", port=0, **table), "cam1", self.observer)
        self.parts: list[str | None] = []

    @asynccontextmanager
    async def listens(self) -> AsyncIterator[None]:
        """It runs meanwhile."""
        async with running(self.trigger.run()):
            await until(lambda: self.trigger.port > 0)
            yield

    async def films(self) -> None:
        """Pictures in a thread, as capturing does it, until cancelled."""
        while True:
            await asyncio.to_thread(self._one)
            await asyncio.sleep(PERIOD_S)

    def _one(self) -> None:
        found = self.trigger.wanted(picture(time.monotonic()))
        if found is not None:
            self.parts.append(found.part)

    @asynccontextmanager
    async def sender(self) -> AsyncIterator["Sender"]:
        """A connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.trigger.port)
        try:
            yield Sender(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


class Sender:
    """A controller."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says(self, data: bytes, answers: int = 1) -> list[str]:
        """Send, and read so many lines."""
        self.writer.write(data)
        return [await self.hears() for _ in range(answers)]

    async def hears(self) -> str:
        """One line; empty at the end of the connection."""
        return (await asyncio.wait_for(self.reader.readline(), 10)).decode().strip()


async def test_each_line_is_a_picture_and_is_answered_in_order() -> None:
    """Lines that come at once get a picture each; `ok` says that it was taken, rubbish gets a sentence in its place."""
    station = Station()
    assert isinstance(station.trigger, ServedTrigger)
    async with station.listens(), running(station.films()), station.sender() as sender:
        said = await sender.says(b'SN-1\n{"part": "SN-2", "lot": "L"}\n{"Part": 1}\nSN-3\r\n', 4)
        await until(lambda: station.parts == ["SN-1", "SN-2", "SN-3"])
    assert said == [
        "ok",
        "ok",
        "error the keys of a trigger are trigger_id, part, lot, work_order, and no others",
        "ok",
    ]
    assert station.observer.fates.count(Fate.REFUSED) == 1


async def test_a_sender_that_ends_its_side_gets_its_answers() -> None:
    """`echo SN-1 | nc host port` works; a last line without its end is no line."""
    station = Station()
    async with station.listens(), running(station.films()), station.sender() as sender:
        sender.writer.write(b"SN-1\nSN-2")
        sender.writer.write_eof()
        assert [await sender.hears() for _ in range(2)] == ["ok", ""]


async def test_without_a_picture_the_sender_is_told() -> None:
    """A camera that gives nothing costs within_s, not for ever; and the trigger counts as missed."""
    station = Station(within_s=0.1)
    async with station.listens(), station.sender() as sender:
        assert await sender.says(b"SN-1\n") == ["error no picture came within 0.1 s"]
    assert station.observer.fates == [Fate.MISSED]


async def test_too_many_triggers_and_connections_are_busy() -> None:
    """Bounds are answered at once, and a connection that ends makes room."""
    station = Station(waiting=1, connections=1, within_s=0.2)
    async with station.listens():
        async with station.sender() as sender, station.sender() as other:
            assert await other.hears() == "busy"
            said = await sender.says(b"a\nb\n", 2)
        assert said == ["error no picture came within 0.2 s", "busy"]
        await until(lambda: not station.trigger._connections)
        async with station.sender() as sender:
            assert await sender.says(b"\n") == [
                "error nothing was said; send a part, or {} for a picture of an unnamed part"
            ]


async def test_a_sender_gone_mad_is_read_slowly_and_logged_seldom() -> None:
    """What it floods the port with costs neither the event loop nor the disk; others are served as before."""
    station = Station(max_per_s=20)
    with structlog.testing.capture_logs() as lines:
        async with station.listens(), running(station.films()), station.sender() as mad, station.sender() as sender:
            mad.writer.write(b'{"no": "key"}\n' * 1000)
            await until(lambda: len(station.observer.fates) >= 10)
            assert await sender.says(b"SN-1\n") == ["ok"]
    assert len(station.observer.fates) < 100
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["no trigger"]


async def test_a_line_without_end_ends_the_connection() -> None:
    """Memory for a line is bounded."""
    station = Station()
    async with station.listens(), station.sender() as sender:
        assert await sender.says(b"x" * 5000) == [f"error {tcp.TOO_LONG}"]
        with contextlib.suppress(ConnectionError):
            assert await sender.hears() == ""


async def test_a_thousand_senders_leave_nothing_behind() -> None:
    """Each comes, triggers and goes, some in the middle of a line."""
    station = Station(waiting=1000, max_per_s=10_000, within_s=0.05)
    async with station.listens():
        for number in range(1000):
            async with station.sender() as sender:
                sender.writer.write(b"SN\n" if number % 2 else b"SN")
                if number % 3:
                    sender.writer.transport.abort()
        await until(lambda: not station.trigger._connections)


async def test_a_sender_that_takes_no_answers_is_given_up() -> None:
    """It cannot hold its connection for ever, nor memory for its answers."""
    station = Station()
    config = Config(kind="tcp", port=0, max_per_s=10_000)
    station.trigger = TcpTrigger(config, "cam1", station.observer, answer_within_s=0.1)
    async with station.listens():
        with socket.socket() as hung:
            hung.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            hung.settimeout(0)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(hung, ("127.0.0.1", station.trigger.port))
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(hung, b'{"no": "key"}\n' * 20_000)
            await until(lambda: not station.trigger._connections, 20)


async def test_a_taken_port_is_a_sentence() -> None:
    """The camera is down with it, and the agent tries again."""
    port = free_port()
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    trigger = TcpTrigger(Config(kind="tcp", port=port), "cam1", CountingTriggerObserver())
    try:
        with pytest.raises(StartupError, match=f"127.0.0.1:{port} .*take a port that nothing else uses"):
            await trigger.run()
    finally:
        taken.close()


async def test_stopping_ends_connections_and_frees_the_port() -> None:
    """A camera that is changed can listen on the same port again at once."""
    port = free_port()
    for _ in range(2):
        station = Station()
        station.trigger = TcpTrigger(Config(kind="tcp", port=port), "cam1", station.observer)
        async with station.listens():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

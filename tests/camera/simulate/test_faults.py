import asyncio
import time

import pytest
from support.streamed import until

from flawgate_camera.simulate.fault_proxy import LOOPBACK, fault_proxy
from flawgate_camera.simulate.faults import Fault, parse_faults, playing
from flawgate_contracts.errors import InvalidParameter

WAIT_S = 10.0


def test_faults_are_read_as_they_are_written() -> None:
    """Kind, beginning, length and delay; and written again they are the same."""
    text = "cut@10+5,stall@20.5+3,delay@30+5:200ms"
    faults = parse_faults(text)
    assert faults == (Fault("cut", 10, 5), Fault("stall", 20.5, 3), Fault("delay", 30, 5, 0.2))
    assert ",".join(str(fault) for fault in faults) == text
    assert parse_faults("") == ()


@pytest.mark.parametrize("text", ["cut", "cut@5", "cut@5+1:200ms", "delay@5+1", "burn@1+1", "cut@-1+2", "cut@1+2;"])
def test_a_fault_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    """The message shows the fault and what is right."""
    with pytest.raises(InvalidParameter, match=r"write e\.g\. cut@10\+5"):
        parse_faults(text)


def test_two_faults_of_a_kind_must_not_overlap() -> None:
    """The end of one would end the other."""
    with pytest.raises(InvalidParameter, match="cut@10\\+5 and cut@12\\+1 overlap"):
        parse_faults("cut@12+1,cut@10+5")
    assert len(parse_faults("cut@10+5,cut@15+1,stall@12+1")) == 3


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


async def _answer(port: int) -> bytes:
    """What an echo behind the port says; nothing where the connection is ended."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(b"a frame")
        return await asyncio.wait_for(reader.read(100), WAIT_S)
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_a_cut_ends_connections_and_refuses_new_ones_until_it_is_over() -> None:
    """Before and after it the other side answers."""
    server = await asyncio.start_server(_echo, LOOPBACK, 0)
    async with server, fault_proxy(f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}") as proxy:
        assert await _answer(proxy.port) == b"a frame"
        async with playing(proxy, time.monotonic(), parse_faults("cut@0+0.5"), None):
            await until(lambda: proxy.refuses)
            assert await _answer(proxy.port) == b""
            await until(lambda: not proxy.refuses)
            assert await _answer(proxy.port) == b"a frame"


async def test_what_goes_on_when_the_faults_are_left_is_over() -> None:
    """A stall and a delay do not outlive the line."""
    async with fault_proxy(f"{LOOPBACK}:1") as proxy:
        async with playing(proxy, time.monotonic(), parse_faults("stall@0+99,delay@0+99:50ms"), None):
            await until(lambda: proxy.delay_s > 0)
            assert not proxy._flows.is_set()
        assert (proxy.delay_s, proxy._flows.is_set()) == (0, True)

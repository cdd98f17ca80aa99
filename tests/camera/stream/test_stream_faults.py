import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from support.captured import capture, capturing
from support.certificates import CertificateAuthority
from support.scripted_stream import ScriptedStream, serving
from support.streamed import QUICK, drained, streaming, until

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.delivery.latest import LatestDelivery
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.frames import DropCause
from flawgate_camera.simulate.fault_proxy import FaultProxy, fault_proxy
from flawgate_camera.stream.facts import Timing

CYCLES = 1000


@asynccontextmanager
async def behind_a_proxy(gateway: ScriptedStream) -> AsyncIterator[FaultProxy]:
    """The gateway, served behind a proxy with faults."""
    async with serving(gateway) as target, fault_proxy(target) as proxy:
        yield proxy


def spool(folder: Path) -> LosslessDelivery:
    """A spool that is never full in a test."""
    return LosslessDelivery(folder, Bounds(max_bytes=10**8, max_age_s=3600))


async def test_a_network_cut_in_mid_stream_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """`lossless` over a network that is cut again and again, and away for a while: one record a number."""
    gateway, delivery = ScriptedStream(answer_s=0.002), spool(tmp_path)
    async with behind_a_proxy(gateway) as proxy, streaming(f"127.0.0.1:{proxy.port}", delivery) as (_, told):
        thread = capturing(delivery, 150, size=20_000, pause_s=0.005)
        for _ in range(6):
            await asyncio.sleep(0.1)
            proxy.cut()
        proxy.refuses = True
        proxy.cut()
        await until(lambda: not thread.is_alive())
        proxy.refuses = False
        await drained(delivery)
    delivery.close()
    assert gateway.written == dict.fromkeys(range(1, 151), 1)
    assert [outcome.sequence for outcome in told.outcomes] == list(range(1, 151))
    assert gateway.faults == []
    assert len(gateway.hellos) > 3


async def test_a_gateway_that_restarts_goes_on_with_the_stream(tmp_path: Path) -> None:
    """What is on record is answered from there, the rest is inspected; the numbers have no hole."""
    gateway, delivery = ScriptedStream(answer_s=0.01), spool(tmp_path)
    async with serving(gateway) as target:
        port = int(target.rpartition(":")[2])
        capture(delivery, 40)
        running = streaming(target, delivery)
        _, told = await running.__aenter__()
        await until(lambda: len(told.outcomes) > 5)
    await asyncio.sleep(0.1)
    async with serving(gateway, port=port):
        await drained(delivery)
        await running.__aexit__(None, None, None)
    delivery.close()
    assert gateway.written == dict.fromkeys(range(1, 41), 1)
    assert {hello.stream_id for hello in gateway.hellos} == {str(delivery.stream_id)}
    assert gateway.faults == []


async def test_an_agent_that_restarts_goes_on_with_the_stream(tmp_path: Path) -> None:
    """The next process sends what has no answer, under the same numbers, and frames follow without a hole."""
    gateway = ScriptedStream(answer_s=0.01)
    async with serving(gateway) as target:
        for _ in range(3):
            delivery = spool(tmp_path)
            capture(delivery, 20)
            async with streaming(target, delivery) as (_, told):
                await until(lambda: len(told.outcomes) > 5)  # asked within this round alone
            delivery.close()
        delivery = spool(tmp_path)
        async with streaming(target, delivery):
            await drained(delivery)
        delivery.close()
    assert gateway.written == dict.fromkeys(range(1, 61), 1)
    assert gateway.faults == []


async def test_a_connection_that_is_dead_and_does_not_know_it_is_given_up() -> None:
    """Where no answer comes while frames are on their way, one connects anew: a cable is out."""
    gateway, delivery = ScriptedStream(), EveryDelivery(10)
    timing = Timing(connect_s=0.3, answer_s=0.3, retry_s=0.01, retry_max_s=0.05)
    async with (
        behind_a_proxy(gateway) as proxy,
        streaming(f"127.0.0.1:{proxy.port}", delivery, timing) as (streamer, _),
    ):
        capture(delivery, 1)
        await drained(delivery)
        proxy.stall()
        capture(delivery, 1)
        await until(lambda: streamer.state.reason == "UNAVAILABLE")
        proxy.resume()
        await drained(delivery)
    assert gateway.written == {1: 1, 2: 1}


async def test_latest_over_a_bad_network_acts_upon_nothing_old() -> None:
    """Ages of the answers that count never pass the budget, whatever the network does; each number ends once."""
    budget_s = 0.25
    drops: dict[DropCause, int] = {}

    def count(cause: DropCause, frames: int) -> None:
        drops[cause] = drops.get(cause, 0) + frames

    gateway, delivery = ScriptedStream(credits=2, answer_s=0.02), LatestDelivery(budget_s, on_drop=count)
    async with behind_a_proxy(gateway) as proxy, streaming(f"127.0.0.1:{proxy.port}", delivery) as (_, told):
        thread = capturing(delivery, 300, pause_s=0.005)
        for _ in range(3):
            await asyncio.sleep(0.2)
            proxy.cut()
            await asyncio.sleep(0.1)
            proxy.stall()
            await asyncio.sleep(0.4)
            proxy.resume()
        await until(lambda: not thread.is_alive())
        await drained(delivery)
    in_time = [outcome for outcome in told.outcomes if outcome.inspection and not outcome.late]
    assert in_time
    assert all(outcome.age_s is not None and outcome.age_s <= budget_s for outcome in in_time)
    assert any(outcome.late for outcome in told.outcomes)
    assert sorted(gateway.records) == list(range(1, 301))
    assert sum(drops.values()) == sum(len(cause) < 64 for cause in gateway.records.values())
    assert max(gateway.deadlines.values()) <= budget_s * 1000
    assert gateway.faults == []


async def test_a_source_ten_times_too_fast_costs_no_memory() -> None:
    """`latest` before a gateway that carries a tenth: at no time more frames are held than slots and credits."""
    gateway, delivery = ScriptedStream(credits=2, answer_s=0.02), LatestDelivery(1.0)
    async with serving(gateway) as target, streaming(target, delivery):
        thread = capturing(delivery, 400, size=100_000, pause_s=0.002)
        while thread.is_alive():
            assert delivery.facts().held_bytes <= 4 * 100_000
            await asyncio.sleep(0.005)
        await drained(delivery)
    assert sorted(gateway.records) == list(range(1, 401))
    assert sum(len(cause) == 64 for cause in gateway.records.values()) < 200


async def test_a_thousand_connects_and_disconnects_leave_nothing_behind() -> None:
    """No descriptor, thread or task remains of a thousand streams, and each number has one record."""
    gateway, delivery = ScriptedStream(answers_per_call=1), EveryDelivery(10)
    timing = Timing(retry_s=0.0, retry_max_s=0.0)
    async with serving(gateway) as target, streaming(target, delivery, timing) as (_, told):
        thread = capturing(delivery, CYCLES)
        await until(lambda: len(told.outcomes) >= 50)
        before = _held()
        async with asyncio.timeout(120):
            await asyncio.to_thread(thread.join)
            await delivery.drained()
        await until(lambda: all(late <= early + 10 for early, late in zip(before, _held(), strict=True)))
    assert [outcome.sequence for outcome in told.outcomes] == list(range(1, CYCLES + 1))
    assert len(gateway.hellos) >= CYCLES


def _held() -> tuple[int, int, int]:
    """Descriptors, threads and tasks of this process."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), len(asyncio.all_tasks())


async def test_tls_and_a_key_that_is_renewed(tmp_path: Path) -> None:
    """The gateway is believed by its root, shown a certificate and a key; a new key is shown at the next connect."""
    authority = CertificateAuthority(tmp_path)
    server_certificate, server_key = authority.issue("gateway")
    certificate, private_key = authority.issue("agent")
    pair = (server_key.read_bytes(), server_certificate.read_bytes())
    credentials = grpc.ssl_server_credentials([pair], authority.file.read_bytes(), require_client_auth=True)
    key = tmp_path / "key"
    key.write_text("first\nnot this line\n")
    gateway, delivery = ScriptedStream(answers_per_call=1), EveryDelivery(10)
    async with serving(gateway, credentials=credentials) as target:
        config = Gateway(
            target=target,
            key_file=key,
            ca_file=authority.file,
            certificate_file=certificate,
            private_key_file=private_key,
        )
        async with streaming(config, delivery) as (_, told):
            capture(delivery, 1)
            await until(lambda: len(told.outcomes) == 1)
            key.write_text("second")
            capture(delivery, 1)
            await until(lambda: gateway.keys[-1] == "Bearer second")
    assert gateway.keys[0] == "Bearer first"


async def test_a_gateway_that_is_not_believed_gets_nothing(tmp_path: Path) -> None:
    """A certificate of another root ends each try before a frame or key is shown."""
    server_certificate, server_key = CertificateAuthority(tmp_path, "one").issue("gateway")
    other = CertificateAuthority(tmp_path, "other")
    credentials = grpc.ssl_server_credentials([(server_key.read_bytes(), server_certificate.read_bytes())])
    gateway, delivery = ScriptedStream(), EveryDelivery(10)
    async with (
        serving(gateway, credentials=credentials) as target,
        streaming(Gateway(target=target, ca_file=other.file), delivery) as (streamer, _),
    ):
        capture(delivery, 1)
        await until(lambda: streamer.state.reason == "DEPENDENCY_UNAVAILABLE")
    assert gateway.hellos == []


@pytest.mark.parametrize("content", [None, "", "\n", "schlüssel"])
async def test_a_key_file_without_a_key_is_told(tmp_path: Path, content: str | None) -> None:
    """The sentence names the file and never shows what stands in it; once it is mended the stream goes on."""
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
    gateway, delivery = ScriptedStream(), EveryDelivery(10)
    async with (
        serving(gateway) as target,
        streaming(Gateway(target=target, key_file=key), delivery, QUICK) as (streamer, _),
    ):
        await until(lambda: streamer.state.reason == "UNAUTHENTICATED")
        message = streamer.state.message or ""
        assert str(key) in message
        assert "schl" not in message
        key.write_text("good")
        capture(delivery, 1)
        await drained(delivery)

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.outbox import a_webhook
from support.ports import free_port
from support.webhook_receiver import Reply, webhook_receiver

from flawgate_gateway.outbox.sending import TAKEN, Answer, Message, Verdict
from flawgate_gateway.outbox.webhook import MAX_ANSWER_BYTES, WebhookSender

MESSAGE = Message("0193-1", "a.type", "{}", {})


async def sent(sink: Any, times: int = 1) -> list[Answer]:
    """What comes of tries by one sender, one after the other."""
    async with WebhookSender(sink) as sender:
        return [await sender.send(MESSAGE) for _ in range(times)]


async def test_a_connection_serves_one_event_after_the_other(tmp_path: Path) -> None:
    """Neither the name nor TLS costs anything while one stands."""
    async with webhook_receiver() as receiver:
        assert await sent(a_webhook(tmp_path, receiver.url), 3) == [TAKEN] * 3
    assert (receiver.connections, len(receiver.requests)) == (1, 3)


async def test_a_receiver_may_restart(tmp_path: Path) -> None:
    """No event is refused because the connection that was kept for it is gone."""
    port = free_port()
    async with WebhookSender(a_webhook(tmp_path, f"http://localhost:{port}/")) as sender:
        for _ in range(2):
            async with webhook_receiver(port):
                assert await sender.send(MESSAGE) == TAKEN


async def test_a_long_answer_costs_its_connection(tmp_path: Path) -> None:
    """What was not read of it cannot be taken for the next answer."""
    async with webhook_receiver() as receiver:
        receiver.reply = lambda _: Reply(200, body=b"x" * (64 * MAX_ANSWER_BYTES))
        assert await sent(a_webhook(tmp_path, receiver.url), 2) == [TAKEN] * 2
    assert receiver.connections == 2


async def test_there_are_no_more_connections_than_may_be_in_flight(tmp_path: Path) -> None:
    """Who sends more at once waits."""
    async with webhook_receiver() as receiver:
        receiver.reply = lambda _: Reply(delay_s=0.02)
        async with WebhookSender(a_webhook(tmp_path, receiver.url, max_in_flight=2)) as sender:
            assert await asyncio.gather(*(sender.send(MESSAGE) for _ in range(6))) == [TAKEN] * 6
    assert (receiver.connections, receiver.at_once) == (2, 2)


async def test_a_sink_cannot_leave_cookies(tmp_path: Path) -> None:
    """Each event goes as the first one did."""
    async with webhook_receiver() as receiver:
        receiver.reply = lambda _: Reply(200, {"set-cookie": "session=1; Path=/"})
        await sent(a_webhook(tmp_path, receiver.url), 2)
    assert ["cookie" in request.headers for request in receiver.requests] == [False, False]


async def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody but the sink sees an event."""
    async with webhook_receiver() as proxy, webhook_receiver() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert await sent(a_webhook(tmp_path, receiver.url)) == [TAKEN]
    assert (len(receiver.requests), proxy.connections) == (1, 0)


async def test_who_does_not_shake_hands_is_unreachable(tmp_path: Path) -> None:
    """A port that takes connections and never speaks TLS has seen no event."""
    async with webhook_receiver() as receiver:
        silent = receiver.url.replace("http:", "https:")
        answers = await sent(a_webhook(tmp_path, silent, timeout_s=0.4))
    assert (answers, receiver.requests) == ([Answer(Verdict.UNREACHABLE, "cannot be reached (TimeoutError)")], [])


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """One for `localhost`, signed by itself, and its key."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    asked = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    named = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *asked, *named], check=True, capture_output=True, timeout=60)  # noqa: S607
    return certificate, key


async def test_a_certificate_is_checked_against_the_name(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """With the plant's own root it is good, by its name alone; without, the sink is not trusted with an event."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    async with webhook_receiver(tls=tls) as receiver:
        trusting = a_webhook(tmp_path, receiver.url, ca_file=certificate[0])
        assert await sent(trusting) == [TAKEN]
        other_name = trusting.model_copy(update={"url": receiver.url.replace("localhost", "127.0.0.1")})
        refused = [Answer(Verdict.UNREACHABLE, "cannot be reached (SSLCertVerificationError)")]
        assert await sent(a_webhook(tmp_path, receiver.url)) == refused
        assert await sent(other_name) == refused
        await asyncio.sleep(0)
    assert len(receiver.requests) == 1

import asyncio
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError
from support.outbox import a_webhook
from support.ports import free_port
from support.webhook_receiver import HANG_UP, SECRET, Reply, verified, webhook_receiver

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.outbox.addresses import is_permitted
from flawgate_gateway.outbox.sending import TAKEN, Answer, Message, Verdict
from flawgate_gateway.outbox.webhook import MAX_ANSWER_BYTES, WebhookSender

OTHER_SECRET = "whsec_" + "B" * 40
EVENT: dict[str, Any] = {"specversion": "1.0", "id": "0193-1", "subject": "SN-š", "data": {"part": "SN-š"}}
MESSAGE = Message("0193-1", "a.type", json.dumps(EVENT, ensure_ascii=False), EVENT)


async def sent(sink: Any) -> Answer:
    """What comes of one try."""
    async with WebhookSender(sink) as sender:
        return await sender.send(MESSAGE)


async def test_a_request_is_a_signed_cloud_event(tmp_path: Path) -> None:
    """Structured mode, the event's id as `webhook-id`, the whole event signed."""
    async with webhook_receiver() as receiver:
        assert await sent(a_webhook(tmp_path, receiver.url)) == TAKEN
    (request,) = receiver.requests
    assert verified(request) == EVENT
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["webhook-id"] == "0193-1"
    assert request.headers["host"].startswith("localhost:")
    with pytest.raises(WebhookVerificationError):
        verified(request, OTHER_SECRET)


async def test_while_secrets_are_rotated_both_sign(tmp_path: Path) -> None:
    """A receiver that knows the old secret or the new one can verify."""
    other = tmp_path / "other"
    other.write_text(OTHER_SECRET)
    async with webhook_receiver() as receiver:
        sink = a_webhook(tmp_path, receiver.url)
        await sent(sink.model_copy(update={"secret_files": (*sink.secret_files, other)}))
    assert [verified(receiver.requests[0], secret) for secret in (SECRET, OTHER_SECRET)] == [EVENT, EVENT]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(204), TAKEN),
        (Reply(200, body=b"x" * (4 * MAX_ANSWER_BYTES)), TAKEN),
        (Reply(400), Answer(Verdict.REFUSED, "answered 400")),
        (Reply(500, {"retry-after": "7"}), Answer(Verdict.REFUSED, "answered 500", 7.0)),
        (Reply(410), Answer(Verdict.GONE, "answered 410")),
        (Reply(429, {"retry-after": "7"}), Answer(Verdict.UNREACHABLE, "answered 429", 7.0)),
        (Reply(503, {"retry-after": "soon"}), Answer(Verdict.UNREACHABLE, "answered 503")),
        (
            Reply(503, {"retry-after": "Mon, 02 Jan 2006 15:04:05 GMT"}),
            Answer(Verdict.UNREACHABLE, "answered 503", 0.0),
        ),
        (Reply(delay_s=5), Answer(Verdict.REFUSED, "gave no answer in time")),
        (Reply(HANG_UP), Answer(Verdict.REFUSED, "the exchange broke off (RemoteProtocolError)")),
    ],
)
async def test_what_an_answer_means(tmp_path: Path, reply: Reply, answer: Answer) -> None:
    """2xx delivered; 410 never again; busy is no fault of the event; all else refused."""
    async with webhook_receiver() as receiver:
        receiver.replies = [reply]
        assert await sent(a_webhook(tmp_path, receiver.url, timeout_s=0.5)) == answer


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(tmp_path: Path, status: int) -> None:
    """The place that the answer names gets nothing."""
    async with webhook_receiver() as elsewhere, webhook_receiver() as receiver:
        receiver.replies = [Reply(status, {"location": elsewhere.url})]
        answer = await sent(a_webhook(tmp_path, receiver.url))
    assert (answer.verdict, elsewhere.requests) == (Verdict.REFUSED, [])


async def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    """Refused connections and unknown names tell nothing of the event."""
    nobody = await sent(a_webhook(tmp_path, f"http://127.0.0.1:{free_port()}/"))
    assert nobody == Answer(Verdict.UNREACHABLE, "cannot be reached (ConnectError)")
    unknown = await sent(a_webhook(tmp_path, "https://no-such-host.invalid/"))
    assert unknown == Answer(Verdict.UNREACHABLE, "its name cannot be looked up")


async def test_link_local_addresses_get_nothing(tmp_path: Path) -> None:
    """Where clouds keep credentials, no event goes, whatever the name is that leads there."""
    answer = await sent(a_webhook(tmp_path, "http://169.254.169.254/latest", allow_http=True))
    assert answer == Answer(Verdict.UNREACHABLE, "its name leads to an address that no event is sent to")


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.168.1.10", True),
        ("fd12::1", True),
        ("169.254.169.254", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:a9fe:a9fe::1", False),
        ("fd00:ec2::254", False),
        ("100.100.100.200", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to be refused
        ("::", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
    ],
)
def test_which_addresses_are_permitted(address: str, permitted: bool) -> None:  # noqa: FBT001
    """Machines of the plant are; link-local ones, clouds' metadata and what is no machine are not."""
    assert is_permitted(address, allow_link_local=False) is permitted


def test_link_local_addresses_may_be_allowed() -> None:
    """By an explicit word; what is no machine's stays refused."""
    assert is_permitted("169.254.1.2", allow_link_local=True)
    assert not is_permitted("0.0.0.0", allow_link_local=True)  # noqa: S104 - an address to be refused


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        ("whsec_not base64", "base64"),
        ("whsec_c2hvcnQ=", "24 to 64"),
    ],
)
def test_a_bad_secret_is_refused_at_the_start(tmp_path: Path, content: str | None, said: str) -> None:
    """The sentence says what is wrong, and not the secret."""
    path = tmp_path / "bad"
    if content is not None:
        path.write_text(content)
    sink = a_webhook(tmp_path, "https://mes.example/").model_copy(update={"secret_files": (path,)})
    with pytest.raises(InvalidParameter, match=said) as caught:
        WebhookSender(sink)
    assert not content or content not in caught.value.message


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
        assert await sent(trusting) == TAKEN
        unknown = await sent(a_webhook(tmp_path, receiver.url))
        other_name = trusting.model_copy(update={"url": receiver.url.replace("localhost", "127.0.0.1")})
        assert [unknown.verdict, (await sent(other_name)).verdict] == [Verdict.UNREACHABLE] * 2
        await asyncio.sleep(0)
    assert len(receiver.requests) == 1

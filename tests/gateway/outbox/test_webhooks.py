import json
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError
from support.outbox import a_webhook
from support.ports import free_port
from support.webhook_receiver import HANG_UP, SECRET, Reply, verified, webhook_receiver

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.outbox.sending import TAKEN, Answer, Message, Verdict
from flawgate_gateway.outbox.webhook import MAX_ANSWER_BYTES, WebhookSender

OTHER_SECRET = "whsec_" + "B" * 40
EVENT: dict[str, Any] = {"specversion": "1.0", "id": "0193-1", "subject": "SN-š", "data": {"part": "SN-š"}}
NO_HTTP = "its answer is no proper HTTP; see whether it sends a body with a 204, or else two lengths"
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
        (Reply(200, {"content-encoding": "gzip"}, body=b"no gzip"), TAKEN),
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
        (Reply(200, {"content-length": "7", "transfer-encoding": "chunked"}), Answer(Verdict.REFUSED, NO_HTTP)),
        (Reply(HANG_UP), Answer(Verdict.REFUSED, "the exchange broke off (ServerDisconnectedError)")),
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
    """A refused connection tells nothing of the event."""
    nobody = await sent(a_webhook(tmp_path, f"http://127.0.0.1:{free_port()}/"))
    assert nobody == Answer(Verdict.UNREACHABLE, "cannot be reached (ConnectionRefusedError)")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid"])
async def test_an_unknown_name_is_unreachable(tmp_path: Path, host: str) -> None:
    """It tells nothing of the event either, even where it cannot be a name at all."""
    unknown = await sent(a_webhook(tmp_path, f"https://{host}/"))
    assert unknown == Answer(Verdict.UNREACHABLE, "its name cannot be looked up")


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


@pytest.mark.parametrize("url", ["https://127.1/", "https://2130706433/", "https://0127.0.0.1/", "https://127.0.0.1./"])
def test_an_address_in_shorthand_is_refused_at_the_start(tmp_path: Path, url: str) -> None:
    """Programs differ in what they take it for; the sentence says what to write."""
    with pytest.raises(InvalidParameter, match="write https://host/path, the host a name or a whole IP address"):
        WebhookSender(a_webhook(tmp_path, url))

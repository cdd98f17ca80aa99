from pathlib import Path
from socket import AF_INET, IPPROTO_TCP, SOCK_STREAM

import pytest
from support.outbox import a_webhook

from flawgate_gateway.outbox.addresses import AddressRefused, Guard, is_permitted, is_shorthand
from flawgate_gateway.outbox.sending import Answer, Message, Verdict
from flawgate_gateway.outbox.webhook import WebhookSender

REFUSED = "its name leads to an address that no event is sent to"


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "0xa9fea9fe",
        "0xa9.0xfe.43518",
        "169。254。169。254",
        "0.0.0.0",  # noqa: S104 - an address to be refused
    ],
)
async def test_link_local_addresses_get_nothing(tmp_path: Path, host: str) -> None:
    """Where clouds keep credentials, no event goes, however the URL leads there: literally, or by a look-up."""
    async with WebhookSender(a_webhook(tmp_path, f"http://{host}/latest", allow_http=True)) as sender:
        answer = await sender.send(Message("0193-1", "a.type", "{}", {}))
    assert answer == Answer(Verdict.UNREACHABLE, REFUSED)


async def test_a_look_up_gives_what_may_be_connected_to() -> None:
    """Its addresses as they are, with the port that was asked for."""
    guard = Guard(allow_link_local=False, timeout_s=5)
    (found,) = await guard.resolve("127.0.0.1", 8080)
    assert (found["hostname"], found["host"], found["port"], found["family"]) == ("127.0.0.1",) * 2 + (8080, AF_INET)


@pytest.mark.parametrize(("host", "timeout_s"), [("a" * 64 + ".example", 5), ("localhost", 0)])
async def test_a_look_up_that_fails_is_an_os_error(host: str, timeout_s: float) -> None:
    """Names that cannot be, and look-ups that take too long, are what aiohttp takes for a failed look-up."""
    with pytest.raises(OSError, match="the name cannot be looked up") as caught:
        await Guard(allow_link_local=False, timeout_s=timeout_s).resolve(host, 443)
    assert not isinstance(caught.value, TimeoutError)


def test_a_socket_is_the_last_gate() -> None:
    """An address that stood in the URL was never looked up; it is refused before anything is sent."""
    target = (AF_INET, SOCK_STREAM, IPPROTO_TCP, "", ("169.254.169.254", 80))
    with pytest.raises(AddressRefused, match=REFUSED):
        Guard(allow_link_local=False, timeout_s=5).open_socket(target)
    Guard(allow_link_local=True, timeout_s=5).open_socket(target).close()


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
    ("host", "shorthand"),
    [
        ("127.1", True),
        ("2130706433", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("0x7f000001", False),  # looked up, and then checked
        ("mes4.example", False),
    ],
)
def test_what_is_shorthand(host: str, shorthand: bool) -> None:  # noqa: FBT001
    """Digits and dots that are no whole address."""
    assert is_shorthand(host) is shorthand

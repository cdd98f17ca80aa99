"""Where a webhook may go: the guard against requests that somebody else could not make (SSRF).

Plants run on private networks, so these are allowed. What is refused are the addresses behind which clouds keep the
credentials of their machines (link-local), and those that are no machine's.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

METADATA = frozenset({IPv6Address("fd00:ec2::254"), IPv4Address("100.100.100.200"), IPv4Address("168.63.129.16")})
"""Where clouds answer for metadata beside the link-local addresses."""
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):  # noqa: N818 - what happened, as in the error tree; it never leaves the outbox
    """A name that has no address that may be used; the message says why."""


async def permitted_addresses(host: str, port: int, *, allow_link_local: bool) -> list[str]:
    """Look a host up once: the addresses that are checked are those to connect to, whatever the name says next.

    Args:
        host: name or address.
        port: to connect to.
        allow_link_local: whether the sink may be link-local, or a known address of a cloud's metadata.

    Raises:
        AddressRefused: one of its addresses is not allowed.
        OSError: it has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(info[4][0]) for info in found]
    for address in addresses:
        if not is_permitted(address, allow_link_local=allow_link_local):
            raise AddressRefused("its name leads to an address that no event is sent to")
    return list(dict.fromkeys(addresses))


def is_permitted(address: str, *, allow_link_local: bool) -> bool:
    """Whether events may be sent to an address, as `getaddrinfo` writes it."""
    bare = _unwrapped(ip_address(address.partition("%")[0]))
    if bare.is_unspecified or bare.is_multicast or (bare.is_reserved and not bare.is_loopback):
        return False
    return allow_link_local or not (bare.is_link_local or bare in METADATA)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address within an IPv6 one, where that is what it stands for."""
    if not isinstance(address, IPv6Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address

"""Where a webhook may go: the guard against requests that somebody else could not make (SSRF).

Plants run on private networks, so these are allowed. What is refused are the addresses behind which clouds keep the
credentials of their machines (link-local), and those that are no machine's.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

METADATA = frozenset({IPv6Address("fd00:ec2::254"), IPv4Address("100.100.100.200"), IPv4Address("168.63.129.16")})
"""Where clouds answer for metadata beside the link-local addresses."""
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):  # noqa: N818 - what happened, as in the error tree; it never leaves the outbox
    """A name that has no address that may be used; the message says why."""


class Guard(AbstractResolver):
    """Stands where the connections of one sink begin: at the look-up of its name, and at every socket.

    An address that stands in the URL itself is never looked up; it is the socket that is refused then.
    """

    def __init__(self, *, allow_link_local: bool, timeout_s: float) -> None:
        """A guard.

        Args:
            allow_link_local: whether the sink may be link-local, or a known address of a cloud's metadata.
            timeout_s: longest look-up, in seconds.
        """
        self._allow_link_local = allow_link_local
        self._timeout_s = timeout_s

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look a name up once: the addresses that are checked are those to connect to, whatever the name says next.

        Raises:
            AddressRefused: one of its addresses is not allowed.
            OSError: it has none, cannot be a name, or the look-up takes too long.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        except (TimeoutError, UnicodeError) as err:  # aiohttp knows a failed look-up by an OSError without a time-out
            raise OSError("the name cannot be looked up") from err
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        for address in addresses:
            self._check(address)
        return [_resolved(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing is open."""

    def open_socket(self, target: AddrInfoType) -> socket.socket:
        """A socket for one address.

        Raises:
            AddressRefused: it is not allowed.
        """
        family, kind, protocol, _, address = target
        self._check(str(address[0]))
        return socket.socket(family, kind, protocol)

    def _check(self, address: str) -> None:
        if not is_permitted(address, allow_link_local=self._allow_link_local):
            raise AddressRefused("its name leads to an address that no event is sent to")


def is_permitted(address: str, *, allow_link_local: bool) -> bool:
    """Whether events may be sent to an address, as `getaddrinfo` writes it."""
    bare = _unwrapped(ip_address(address.partition("%")[0]))
    if bare.is_unspecified or bare.is_multicast or (bare.is_reserved and not bare.is_loopback):
        return False
    return allow_link_local or not (bare.is_link_local or bare in METADATA)


def is_shorthand(host: str) -> bool:
    """Whether a host is an IPv4 address in other than four decimal numbers, such as `127.1` or `2130706433`."""
    if not host.replace(".", "").isdigit():
        return False
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def _resolved(name: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return {"hostname": name, "host": address, "port": port, "family": family, "proto": 0, "flags": flags}


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address within an IPv6 one, where that is what it stands for."""
    if not isinstance(address, IPv6Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address

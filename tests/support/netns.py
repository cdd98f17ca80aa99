"""Hosts on one machine: network namespaces at a switch that is in one, too, with cables that can be pulled.

Nothing is changed in the machine's own network. It takes root; `NEEDS` says so where it is lacking.
"""

import ctypes
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

NEEDS = "network namespaces need Linux, root and iproute2's `ip`"
IP = shutil.which("ip")
CONFIGURATION = Path("/etc/netns")
"""Where `ip netns exec` finds the files of a namespace that stand for those in /etc."""
SWITCH_ADDRESS = "10.77.0.1"
NOBODY = "02:00:00:00:00:fe"
"""A link-layer address that no host has."""
NAMESPACE_OF_NETWORK = 0x40000000
"""CLONE_NEWNET."""


def may_make_namespaces() -> bool:
    """Whether this process may."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or IP is None:
        return False
    name = f"fg{secrets.token_hex(3)}"
    if subprocess.run([IP, "netns", "add", name], capture_output=True, check=False).returncode != 0:
        return False
    _ip("netns", "delete", name)
    return True


class Host:
    """One of the hosts; its cable is called as it is."""

    def __init__(self, lan: "Lan", name: str, number: int) -> None:
        self.name = name
        self.namespace = f"{lan.name}-{name}"
        self.address = f"10.77.0.{number}"
        self._switch = lan.switch

    def join(self) -> None:
        """Make it, and plug it in."""
        _ip("netns", "add", self.namespace)
        _ip(
            "-n",
            self._switch,
            "link",
            "add",
            self.name,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            self.namespace,
        )
        _ip("-n", self.namespace, "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self.namespace, "link", "set", device, "up")
        _ip("-n", self._switch, "link", "set", self.name, "up")
        self.plug()
        folder = CONFIGURATION / self.namespace
        folder.mkdir(parents=True)
        (folder / "resolv.conf").write_text(f"nameserver {SWITCH_ADDRESS}\noptions timeout:1 attempts:2\n")

    def leave(self) -> None:
        """Unmake it; what ran there has ended."""
        _unmake(self.namespace)
        shutil.rmtree(CONFIGURATION / self.namespace, ignore_errors=True)

    def pull(self) -> None:
        """Pull its cable at the switch: nothing arrives any more, and nobody is told."""
        _ip("-n", self._switch, "link", "set", self.name, "nomaster")

    def plug(self) -> None:
        """Plug it in (again)."""
        _ip("-n", self._switch, "link", "set", self.name, "master", "lan")

    def lose(self, other: "Host") -> None:
        """Nothing that it sends to another host arrives there."""
        self._neighbour("replace", other, "lladdr", NOBODY, "nud", "permanent")

    def find(self, other: "Host") -> None:
        """It reaches another host again."""
        self._neighbour("delete", other)

    def _neighbour(self, verb: str, other: "Host", *more: str) -> None:
        _ip("-n", self.namespace, "neighbour", verb, other.address, "dev", "eth0", *more)

    def command(self, *command: str) -> list[str]:
        """A command as it is run on this host."""
        return [str(IP), "netns", "exec", self.namespace, *command]


class Lan:
    """The switch and its hosts, of a name of their own."""

    def __init__(self) -> None:
        self.name = f"fg{secrets.token_hex(3)}"
        self.switch = f"{self.name}-switch"
        self.hosts: dict[str, Host] = {}

    def open(self) -> None:
        """Make the switch."""
        _ip("netns", "add", self.switch)
        _ip("-n", self.switch, "link", "add", "lan", "type", "bridge")
        _ip("-n", self.switch, "address", "add", f"{SWITCH_ADDRESS}/24", "dev", "lan")
        for device in ("lo", "lan"):
            _ip("-n", self.switch, "link", "set", device, "up")

    def host(self, name: str) -> Host:
        """A new host of that name (at most 15 letters)."""
        host = Host(self, name, len(self.hosts) + 2)
        self.hosts[name] = host
        host.join()
        return host

    def close(self) -> None:
        """Unmake all of it; all processes there have ended."""
        for host in self.hosts.values():
            host.leave()
        _unmake(self.switch)
        with suppress(OSError):  # others may have theirs there
            CONFIGURATION.rmdir()


@contextmanager
def lan() -> Iterator[Lan]:
    """A switch for the length of a block, and whatever hosts are plugged in there."""
    made = Lan()
    try:
        made.open()
        yield made
    finally:
        made.close()


def thread_on(namespace: str, work: Callable[[], None]) -> threading.Thread:
    """A thread, started, whose sockets are those of a namespace."""

    def on_host() -> None:
        enter(namespace)
        work()

    thread = threading.Thread(target=on_host, name=namespace)
    thread.start()
    return thread


def enter(namespace: str) -> None:
    """Let this thread, from now on, open its sockets in a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", namespace).open("rb") as opened:
        if libc.setns(opened.fileno(), NAMESPACE_OF_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's environment, and settings."""
    return {**os.environ, **{name: str(value) for name, value in settings.items()}}


def _unmake(namespace: str) -> None:
    """Also one that was never made: the others must go as well."""
    if Path("/run/netns", namespace).exists():
        _ip("netns", "delete", namespace)


def _ip(*arguments: str) -> None:
    assert IP is not None, NEEDS
    done = subprocess.run([IP, *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"

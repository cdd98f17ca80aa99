"""A renewed certificate of the gateway's doors is shown without a restart."""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from support.certificates import CertificateAuthority
from support.gateway_cluster import GatewayCluster, running_gateway
from support.tls_echo import server_files

UNTIL_RENEWED_S = 10.0


def client_of(running: GatewayCluster, authority: CertificateAuthority) -> httpx.Client:
    """A client that trusts a root, and has a certificate of it."""
    context = ssl.create_default_context(cafile=authority.file)
    context.load_cert_chain(*authority.issue("camera"))
    return httpx.Client(base_url=running.url, verify=context, trust_env=False, timeout=20)


def is_served(running: GatewayCluster, authority: CertificateAuthority) -> bool:
    """Whether such a client, that comes anew, gets an answer."""
    with client_of(running, authority) as client:
        try:
            return client.get("/livez").status_code == 200
        except httpx.TransportError:
            return False


def until(said: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + UNTIL_RENEWED_S
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_rest_door_shows_a_renewed_certificate_and_trusts_a_new_root(tmp_path: Path) -> None:
    """Who has the old root is turned away from then on; a connection that stands goes on."""
    first, second = CertificateAuthority(tmp_path, "first"), CertificateAuthority(tmp_path, "second")
    clients = tmp_path / "clients.pem"
    clients.write_bytes(first.file.read_bytes())
    certificate, key = first.issue("gateway")
    with running_gateway(**server_files((certificate, key), clients)) as running, client_of(running, first) as standing:
        assert standing.get("/livez").status_code == 200
        assert not is_served(running, second)
        clients.write_bytes(second.file.read_bytes())
        for path, renewed in zip((certificate, key), second.issue("renewed"), strict=True):
            path.write_bytes(renewed.read_bytes())
        until(lambda: is_served(running, second))
        assert not is_served(running, first)
        assert standing.get("/livez").status_code == 200

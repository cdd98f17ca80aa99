"""Frames through gateway, preprocessing and decision, which know each other by certificates."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.certificates import CertificateAuthority
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_png
from support.tls_echo import caller_files, server_files

UNTIL_RENEWED_S = 15.0
SERVICES = "services"
GATEWAY = "gateway"


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """A factory's own root."""
    return CertificateAuthority(tmp_path)


@contextmanager
def cluster(authority: CertificateAuthority, *, with_certificate: bool = True) -> Iterator[GatewayCluster]:
    """Services whose callers need a certificate, and a gateway that has one, or has not."""
    services = server_files(authority.issue(SERVICES), authority.file)
    own = caller_files(authority.file, *([authority.issue(GATEWAY)] if with_certificate else []))
    with running_gateway((), services, **own) as running:
        yield running


def status(running: GatewayCluster) -> int:
    """Of the answer to one frame."""
    with running.client() as client:
        return client.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)}).status_code


def test_frames_go_over_mutual_tls(authority: CertificateAuthority) -> None:
    """The gateway is ready, and parts are inspected."""
    with cluster(authority) as running, running.client() as client:
        assert client.get("/readyz").status_code == 200
        assert status(running) == 201


def test_a_gateway_without_a_certificate_is_not_ready(authority: CertificateAuthority) -> None:
    """Neither service answers it, its questions for health included."""
    with cluster(authority, with_certificate=False) as running, running.client() as client:
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert status(running) == 503


class Inspecting:
    """Sends frames one after the other, in a thread of its own."""

    def __init__(self, running: GatewayCluster) -> None:
        self.statuses: list[int] = []
        self._running = running
        self._stopped = threading.Event()

    @contextmanager
    def until_end(self) -> Iterator["Inspecting"]:
        """During the block."""
        thread = threading.Thread(target=self._go_on)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()

    def _go_on(self) -> None:
        while not self._stopped.is_set():
            self.statuses.append(status(self._running))


def ends(running: GatewayCluster) -> float:
    """When the certificate ends that the gateway shows, Unix time."""
    return running.value("flawgate_certificate_expiry_timestamp_seconds", file="upstream_tls_certificate")


def test_renewed_certificates_lose_no_frame(authority: CertificateAuthority) -> None:
    """All are replaced while parts come; the gateway's metrics show when the new one ends."""
    with cluster(authority) as running, Inspecting(running).until_end() as inspecting:
        before = ends(running)
        time.sleep(1.1)
        authority.issue(SERVICES)
        authority.issue(GATEWAY)
        deadline = time.monotonic() + UNTIL_RENEWED_S
        while ends(running) == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        reached = len(inspecting.statuses)
        while len(inspecting.statuses) < reached + 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert set(inspecting.statuses) == {201}

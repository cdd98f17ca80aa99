"""TLS between services: real servers and channels, with certificates of a root of their own."""

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry
from support.certificates import EXPIRED, CertificateAuthority
from support.tls_echo import WHO, Load, asked, caller_files, caller_of, echo_server, server_files

from flawgate_contracts.errors import DependencyUnavailable

UNTIL_RENEWED_S = 10.0
EXPIRY = "flawgate_certificate_expiry_timestamp_seconds"


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """A factory's own root."""
    return CertificateAuthority(tmp_path)


@pytest.fixture
def served(authority: CertificateAuthority) -> dict[str, Any]:
    """Settings of a server whose clients need a certificate."""
    return server_files(authority.issue("server"), authority.file)


async def refused(port: int, host: str = "127.0.0.1", **settings: Any) -> bool:
    """Whether a caller with these settings gets no answer."""
    async with caller_of(port, host, **settings) as channel:
        try:
            await asked(channel, timeout_s=5)
        except DependencyUnavailable:
            return True
    return False


async def test_callers_with_a_certificate_are_served(authority: CertificateAuthority, served: dict[str, Any]) -> None:
    """Both sides know each other by the same root."""
    settings = caller_files(authority.file, authority.issue("caller"))
    async with echo_server(**served) as server, caller_of(server.port, **settings) as channel:
        assert await asked(channel) == b"hello"


async def test_without_a_root_for_clients_none_needs_a_certificate(authority: CertificateAuthority) -> None:
    """The channel is encrypted, the server known, its callers are not."""
    async with echo_server(**server_files(authority.issue("server"))) as server:
        assert not await refused(server.port, **caller_files(authority.file))
        assert await refused(server.port)


async def test_whoever_is_not_known_is_refused(
    authority: CertificateAuthority, served: dict[str, Any], tmp_path: Path
) -> None:
    """No TLS, no certificate, a stranger's, an expired one: no answer, and no harm to others."""
    stranger = CertificateAuthority(tmp_path, "stranger")
    known = caller_files(authority.file, authority.issue("caller"))
    async with echo_server(**served) as server:
        assert await refused(server.port)
        assert await refused(server.port, **caller_files(authority.file))
        assert await refused(server.port, **caller_files(authority.file, stranger.issue("x")))
        assert await refused(server.port, **caller_files(authority.file, authority.issue("old", life=EXPIRED)))
        assert not await refused(server.port, **known)


async def test_a_server_that_is_not_known_is_not_called(
    authority: CertificateAuthority, served: dict[str, Any], tmp_path: Path
) -> None:
    """Of another root, of another name, or with an expired certificate."""
    pair = authority.issue("caller")
    async with echo_server(**served) as server:
        assert await refused(server.port, **caller_files(CertificateAuthority(tmp_path, "stranger").file, pair))
        assert await refused(server.port, "localhost", **caller_files(authority.file, pair))
    async with echo_server(**server_files(authority.issue("old", life=EXPIRED), authority.file)) as server:
        assert await refused(server.port, **caller_files(authority.file, pair))


async def test_a_server_named_by_its_host_is_called(authority: CertificateAuthority) -> None:
    """As in a cluster, where services have names."""
    pair = authority.issue("server", host="localhost")
    async with echo_server(**server_files(pair, authority.file)) as server:
        caller = caller_files(authority.file, authority.issue("caller"))
        assert not await refused(server.port, "localhost", **caller)
        assert await refused(server.port, **caller)


async def test_health_is_told_over_tls(authority: CertificateAuthority, served: dict[str, Any]) -> None:
    """To whom the service is, by the same channel as its calls."""
    settings = caller_files(authority.file, authority.issue("caller"))
    async with echo_server(**served) as server, caller_of(server.port, **settings) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_server_that_does_not_serve_is_asked_by_tls_where_no_other_is_left(
    authority: CertificateAuthority, served: dict[str, Any]
) -> None:
    """By the connections to any server, which show the same certificate."""
    settings = caller_files(authority.file, authority.issue("caller"))
    async with echo_server(**served) as server, caller_of(server.port, **settings) as channel:
        assert await asked(channel) == b"hello"
        await server.set_serving(False)
        await asyncio.sleep(0.2)
        assert await asked(channel) == b"hello"


async def until(said: Any) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + UNTIL_RENEWED_S
    while not await said():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_a_renewed_server_loses_no_call(
    authority: CertificateAuthority, served: dict[str, Any], tmp_path: Path
) -> None:
    """Certificate and root are replaced while calls run: those go on, and who comes then meets the new ones."""
    following = CertificateAuthority(tmp_path, "following")
    new_caller = caller_files(following.file, following.issue("new caller"))
    old_caller = caller_files(_copy(authority.file), authority.issue("caller"))
    async with echo_server(**served) as server, caller_of(server.port, **old_caller) as channel:
        async with Load(channel).running() as load:
            await until(lambda: _has(load.answered > 50))
            assert await refused(server.port, **new_caller)
            _replace(following, "server", tmp_path / "server")
            authority.file.write_bytes(following.file.read_bytes())
            await until(lambda: _not(refused(server.port, **new_caller)))
        assert load.failures == []
        assert await refused(server.port, **old_caller)


async def test_a_renewed_caller_loses_no_call(
    authority: CertificateAuthority, served: dict[str, Any], tmp_path: Path
) -> None:
    """Calls under way end on the connection they began on; those that begin then show the new certificate."""
    pair = authority.issue("caller")
    registry = CollectorRegistry()
    async with (
        echo_server(registry, **served) as server,
        caller_of(server.port, **caller_files(authority.file, pair)) as channel,
        Load(channel).running() as load,
    ):
        await until(lambda: _has(load.answered > 50))
        for _ in range(3):
            shown = await asked(channel, WHO)
            authority.issue("caller")
            await until(lambda shown=shown: _not(_is(channel, shown)))
        assert await asked(channel, WHO) == pair[0].read_bytes()
    assert load.failures == []


async def _is(channel: grpc.aio.Channel, certificate: bytes) -> bool:
    return await asked(channel, WHO) == certificate


async def test_a_caller_whose_certificate_came_late_is_served_once_it_is_there(
    authority: CertificateAuthority, served: dict[str, Any]
) -> None:
    """It need not be started again."""
    pair = authority.issue("caller", life=EXPIRED)
    async with (
        echo_server(**served) as server,
        caller_of(server.port, **caller_files(authority.file, pair)) as channel,
    ):
        with pytest.raises(DependencyUnavailable):
            await asked(channel, timeout_s=5)
        authority.issue("caller")
        await until(lambda: _answers(channel))


async def _answers(channel: grpc.aio.Channel) -> bool:
    try:
        return await asked(channel) == b"hello"
    except DependencyUnavailable:
        return False


async def test_metrics_show_when_certificates_end(authority: CertificateAuthority, served: dict[str, Any]) -> None:
    """Of each file that is in force; of a renewed one once it is."""
    registry = CollectorRegistry()

    def left_s(file: str) -> float:
        return (registry.get_sample_value(EXPIRY, {"file": file}) or 0) - time.time()

    async with echo_server(registry, **served):
        assert 3500 < left_s("tls_certificate") < 3601
        assert 3500 < left_s("tls_ca") < 3601
        authority.issue("server", life=EXPIRED)
        await until(lambda: _has(left_s("tls_certificate") < 0))


def _replace(authority: CertificateAuthority, name: str, stem: Path) -> None:
    certificate, key = authority.issue(f"{name} of another")
    stem.with_suffix(".crt").write_bytes(certificate.read_bytes())
    stem.with_suffix(".key").write_bytes(key.read_bytes())


def _copy(path: Path) -> Path:
    copied = path.with_name(f"copy of {path.name}")
    copied.write_bytes(path.read_bytes())
    return copied


async def _has(so: bool) -> bool:  # noqa: FBT001  # a question's answer
    return so


async def _not(question: Any) -> bool:
    return not await question

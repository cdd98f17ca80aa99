import ssl
from collections.abc import Callable, Iterator, Mapping
from http.server import HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest
from support.certificates import EXPIRED, CertificateAuthority
from support.livez import Livez
from support.tls_echo import echo_server, server_files

from flawgate_contracts.probe import main
from flawgate_contracts.tls.beside import Pair

Ask = Callable[..., Any]


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """A factory's own root."""
    return CertificateAuthority(tmp_path)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, Any]], None]:
    """Sets the settings of a service `ECHO` in the environment, as a container has them."""

    def set_all(settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            if value is not None:
                monkeypatch.setenv(f"ECHO_{name}".upper(), str(value))

    return set_all


async def told(port: int, *arguments: str) -> int:
    """The exit status of a probe of the gRPC server."""
    return await anyio.to_thread.run_sync(main, [f"127.0.0.1:{port}", "test.Echo", "--settings=ECHO", *arguments])


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize("host", [None, "decision", "*.flawgate.svc"])
async def test_a_grpc_server_is_asked_by_tls(
    authority: CertificateAuthority, environment: Ask, host: str | None, *, mutual: bool
) -> None:
    """Whatever host its certificate names, with and without a certificate of its callers."""
    settings = server_files(authority.issue("server", host=host), authority.file if mutual else None)
    environment(settings)
    async with echo_server(**settings) as server:
        assert await told(server.port) == 0


async def test_without_tls_nothing_changes(environment: Ask) -> None:
    """The same command asks a server that has none."""
    async with echo_server() as server:
        assert await told(server.port) == 0


async def test_another_certificate_can_be_shown(
    authority: CertificateAuthority, environment: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the service's own is of none of the roots of its clients: by itself it is refused."""
    clients = CertificateAuthority(tmp_path, "clients")
    settings = server_files(authority.issue("server"), clients.file)
    environment(settings)
    certificate, key = clients.issue("probe")
    async with echo_server(**settings) as server:
        assert await told(server.port) == 1
        assert "does not tell of its health" in capsys.readouterr().err
        assert await told(server.port, f"--certificate-file={certificate}", f"--key-file={key}") == 0


async def test_a_certificate_that_has_ended_is_not_healthy(
    authority: CertificateAuthority, environment: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    """No caller would trust it; the sentence says why."""
    settings = server_files(authority.issue("server", life=EXPIRED))
    environment(settings)
    async with echo_server(**settings) as server:
        assert await told(server.port) == 1
    assert "certificate has expired" in capsys.readouterr().err


async def test_a_renewed_certificate_is_healthy(authority: CertificateAuthority, environment: Ask) -> None:
    """Certificate and key are replaced while the service runs; what is trusted is what it presents, old or new."""
    settings = server_files(authority.issue("server"), authority.file)
    environment(settings)
    async with echo_server(**settings) as server:
        authority.issue("server")
        assert await told(server.port) == 0


async def test_a_server_without_tls_is_not_healthy_where_its_settings_have_it(
    authority: CertificateAuthority, environment: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody there, or somebody else: a sentence."""
    async with echo_server() as server:
        environment(server_files(authority.issue("server")))
        assert await told(server.port, "--timeout=2") == 1
    assert "does not tell of its health by TLS" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["certificate", "key"])
async def test_half_a_certificate_is_refused(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate without its key, and the other way round, is a wrong command line."""
    given = {"certificate": "--key-file=x.key", "key": "--certificate-file=x.crt"}[missing]
    with pytest.raises(SystemExit) as exit_:
        main(["127.0.0.1:1", given])
    assert exit_.value.code == 2
    assert "go together" in capsys.readouterr().err


@pytest.fixture
def served(authority: CertificateAuthority) -> Iterator[tuple[int, Pair]]:
    """Port and certificate of an HTTPS server whose clients need a certificate of the root."""
    pair = authority.issue("gateway", host="gateway")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*pair)
    server = HTTPServer(("127.0.0.1", 0), Livez)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port, pair
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url_is_asked_by_tls_where_the_settings_have_it(
    served: tuple[int, Pair], authority: CertificateAuthority, environment: Ask
) -> None:
    """The image's command stays the same: `http:` becomes `https:`, and the own certificate is shown."""
    port, pair = served
    environment(server_files(pair, authority.file))
    assert main([f"http://127.0.0.1:{port}/livez", "--settings=ECHO"]) == 0
    assert main([f"http://127.0.0.1:{port}/readyz", "--settings=ECHO"]) == 1

import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from support.certificates import CertificateAuthority
from support.gateway_cluster import GatewayCluster, running_gateway
from support.grpc_door import door_caller
from support.pictures import spot_png
from support.raw_http import connection, head, is_closed

from flawgate_contracts.errors import DependencyUnavailable
from flawgate_contracts.startup import StartupError
from flawgate_gateway.rest.tls import server_context
from flawgate_gateway.settings import GatewaySettings

MUTUAL = "mutual TLS"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A factory's own root."""
    return CertificateAuthority(tmp_path_factory.mktemp("tls"))


def settings(certificate: Path, key: Path, client_ca: Path | None = None) -> dict[str, str]:
    """Settings with those files."""
    files = {"tls_certificate_file": certificate, "tls_key_file": key, "tls_client_ca_file": client_ca}
    return {name: str(path) for name, path in files.items() if path is not None}


@pytest.fixture(scope="module", params=["TLS", MUTUAL])
def kind(request: pytest.FixtureRequest) -> str:
    """Whether clients show a certificate too."""
    return str(request.param)


@pytest.fixture(scope="module")
def served(
    authority: CertificateAuthority,
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,  # a fixture
) -> Iterator[GatewayCluster]:
    """The services, with a gateway whose doors have a certificate."""
    files = settings(*authority.issue("gateway"), authority.file if kind == MUTUAL else None)
    records = tmp_path_factory.mktemp("records") / "records.db"
    with running_gateway(database_url=f"sqlite:///{records}", **files) as running:
        yield running


def client_context(authority: CertificateAuthority, *, with_certificate: bool) -> ssl.SSLContext:
    """Of a client that trusts the root."""
    context = ssl.create_default_context(cafile=authority.file)
    if with_certificate:
        context.load_cert_chain(*authority.issue("camera"))
    return context


def test_rest_is_served_over_tls(served: GatewayCluster, authority: CertificateAuthority, kind: str) -> None:
    """The client checks the gateway's certificate; nobody is served without TLS."""
    assert served.url.startswith("https://")
    context = client_context(authority, with_certificate=kind == MUTUAL)
    with httpx.Client(base_url=served.url, verify=context, trust_env=False, timeout=20) as client:
        answer = client.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)})
        assert answer.status_code == 201
        assert client.get("/readyz").json()["ready"] is True
    with connection(served.url) as opened:
        opened.sendall(head("/livez", method="GET"))
        assert is_closed(opened)


def test_grpc_is_served_over_tls(served: GatewayCluster, authority: CertificateAuthority, kind: str) -> None:
    """The same certificate; a channel without TLS reaches nothing."""
    certificate, key = authority.issue("camera")
    own = (key.read_bytes(), certificate.read_bytes()) if kind == MUTUAL else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.file.read_bytes(), *own)
    with door_caller(served.grpc_target, credentials) as door:
        assert door.inspect(spot_png(255)).inspection_id
    with door_caller(served.grpc_target) as door, pytest.raises(DependencyUnavailable):
        door.inspect(spot_png(255))


def test_with_mutual_tls_only_known_clients_get_in(
    served: GatewayCluster,
    authority: CertificateAuthority,
    kind: str,
    tmp_path: Path,
) -> None:
    """No certificate, or a stranger's: no answer at either door. Without it, neither is asked for."""
    strangers = client_context(authority, with_certificate=False)
    strangers.load_cert_chain(*CertificateAuthority(tmp_path, "stranger").issue("x"))
    for context in (client_context(authority, with_certificate=False), strangers):
        with httpx.Client(base_url=served.url, verify=context, trust_env=False, timeout=20) as client:
            if kind == MUTUAL:
                with pytest.raises(httpx.TransportError):
                    client.get("/livez")
            else:
                assert client.get("/livez").status_code == 200
    credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
    with door_caller(served.grpc_target, credentials) as door:
        if kind == MUTUAL:
            with pytest.raises(DependencyUnavailable):
                door.inspect(spot_png(255))
        else:
            assert door.inspect(spot_png(255)).inspection_id


def test_no_tls_before_1_2(authority: CertificateAuthority) -> None:
    """TLS 1.1 has known weaknesses."""
    context = server_context(GatewaySettings.model_validate(settings(*authority.issue("other"))))
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_without_files_there_is_no_tls() -> None:
    """A proxy in front may take it."""
    assert server_context(GatewaySettings()) is None
    assert GatewaySettings().all_tls_files() == {}


def test_files_that_do_not_fit_are_one_sentence_at_the_start(tmp_path: Path) -> None:
    """Missing, a folder, no PEM, another's key, a key with a password, an empty root: which file, and no traceback."""
    authority = CertificateAuthority(tmp_path)
    certificate, key = authority.issue("gateway")
    _, other_key = authority.issue("other")
    locked_certificate, locked_key = authority.issue("locked", password=b"secret")
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_bytes(b"\x00nonsense")
    wrong = [
        (settings(tmp_path / "missing.crt", key), r"missing\.crt cannot be read: No such file"),
        (settings(certificate, tmp_path / "missing.key"), r"missing\.key cannot be read: No such file"),
        (settings(certificate, tmp_path), r"cannot be read: Is a directory"),
        (settings(certificate, other_key), r"gateway\.crt and .*other\.key are no PEM certificate and its own"),
        (settings(nonsense, key), r"nonsense\.pem and .*are no PEM certificate"),
        (settings(certificate, nonsense), r"nonsense\.pem are no PEM certificate"),
        (settings(locked_certificate, locked_key), r"locked\.key are no PEM .* without a password"),
        (settings(certificate, key, tmp_path / "missing.pem"), r"missing\.pem cannot be read: No such file"),
        (settings(certificate, key, nonsense), r"nonsense\.pem holds no certificate"),
    ]
    for files, sentence in wrong:
        with pytest.raises(StartupError, match=sentence):
            server_context(GatewaySettings.model_validate(files))

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest
import yaml
from prometheus_client import CollectorRegistry
from pydantic_settings import SettingsConfigDict
from support.certificates import CertificateAuthority
from support.manifests import K8S, SERVICES, container, of_kind, settings

from flawgate_contracts.serving import GrpcService, create_grpc_server
from flawgate_contracts.settings import GrpcServiceSettings

FOLDER = "/run/secrets/flawgate/tls"
KEYS = {"tls.crt", "tls.key", "ca.crt"}
"""Of each Secret, as cert-manager writes it."""

PROBED = ("preprocessing", "decision")
CALLS = {
    "GATEWAY_PREPROCESSING_TARGET": "preprocessing",
    "GATEWAY_DECISION_TARGET": "decision",
    "DECISION_TRITON_TARGET": "triton",
}
"""Settings that name a server, and which."""


class ProbedSettings(GrpcServiceSettings):
    """Settings of a server of which no more is asked than its health."""

    model_config = SettingsConfigDict(env_prefix="PROBED_", frozen=True)


def pod_spec(service: str) -> Mapping[str, Any]:
    """Of a service of `plant`."""
    found: Mapping[str, Any] = of_kind("plant", "Deployment")[service]["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_a_certificate_of_its_own(service: str) -> None:
    """A Secret each, for the service's user alone, mounted as a folder: a single file would never be renewed."""
    (volume,) = [each for each in pod_spec(service)["volumes"] if each["name"] == "tls"]
    (mount,) = [each for each in container("plant", service)["volumeMounts"] if each["name"] == "tls"]
    assert volume["secret"] == {"secretName": f"flawgate-{service}-tls", "defaultMode": 0o440}
    assert mount == {"name": "tls", "mountPath": FOLDER, "readOnly": True}


@pytest.mark.parametrize("service", SERVICES)
def test_files_are_keys_of_the_secret(service: str) -> None:
    """Every file that a setting or an option of Triton names is in the folder."""
    named = [*settings("plant", service).values(), *container("plant", service).get("args", [])]
    files = {match for value in named for match in re.findall(rf"{FOLDER}/(\S+)", value)}
    assert {"tls.crt", "tls.key"} <= files <= KEYS


@pytest.mark.parametrize("service", PROBED)
def test_servers_know_their_callers(service: str) -> None:
    """Nobody without a certificate of the root is served."""
    found = settings("plant", service)
    assert found[f"{service.upper()}_TLS_CLIENT_CA_FILE"] == f"{FOLDER}/ca.crt"


def test_triton_knows_its_callers() -> None:
    """Its gRPC port takes TLS alone, from those with a certificate."""
    options = dict(argument.partition("=")[::2] for argument in container("plant", "triton")["args"])
    assert (options["--grpc-use-ssl"], options["--grpc-use-ssl-mutual"]) == ("true", "true")
    assert options["--grpc-root-cert"] == f"{FOLDER}/ca.crt"


@pytest.mark.parametrize("caller", ["gateway", "decision"])
def test_callers_know_their_servers(caller: str) -> None:
    """They call by TLS, trust the root alone, and show who they are."""
    found = settings("plant", caller)
    prefix = f"{caller.upper()}_UPSTREAM_TLS"
    assert found[f"{prefix}_CA_FILE"] == f"{FOLDER}/ca.crt"
    assert found[f"{prefix}_CERTIFICATE_FILE"] == f"{FOLDER}/tls.crt"
    assert found[f"{prefix}_KEY_FILE"] == f"{FOLDER}/tls.key"


def test_nothing_goes_to_triton_in_the_clear() -> None:
    """Its HTTP port knows no TLS: the gateway passes nothing on to it, and could not reach it."""
    assert settings("plant", "gateway")["GATEWAY_TRITON_HTTP_URL"] == ""
    assert [name for name in of_kind("plant", "NetworkPolicy") if name.startswith("gateway-to-triton")] == []


def test_the_edge_knows_the_gateway() -> None:
    """It calls both doors by TLS, and only a gateway whose certificate is of the root and names it."""
    (policy,) = of_kind("plant", "BackendTLSPolicy").values()
    doors = [each["sectionName"] for each in policy["spec"]["targetRefs"] if each["name"] == "gateway"]
    ports = {each["name"]: each["appProtocol"] for each in of_kind("plant", "Service")["gateway"]["spec"]["ports"]}
    assert (doors, policy["spec"]["validation"]["hostname"]) == (["http", "grpc"], "gateway")
    assert [ports[door] for door in doors] == ["https", "https"]


@pytest.mark.parametrize("service", ["preprocessing", "decision", "triton"])
def test_no_proxy_is_told_of_cleartext(service: str) -> None:
    """The port of calls is said to be TLS, no longer HTTP/2 in the clear."""
    ports = {each["name"]: each["appProtocol"] for each in of_kind("plant", "Service")[service]["spec"]["ports"]}
    assert ports["grpc"] == "https"


def test_certificates_name_the_hosts_that_are_called() -> None:
    """The example for cert-manager fills every Secret with a certificate that its callers take, and can show itself."""
    documents = list(yaml.safe_load_all((K8S / "tools/certificates.yaml").read_text("utf-8")))
    (issuer,) = [each for each in documents if each["kind"] == "Issuer"]
    found = {each["spec"]["secretName"]: each["spec"] for each in documents if each["kind"] == "Certificate"}
    assert set(found) == {f"flawgate-{service}-tls" for service in SERVICES}
    for spec in found.values():
        assert {"server auth", "client auth"} <= set(spec["usages"])
        assert spec["issuerRef"]["name"] == issuer["metadata"]["name"]
    for setting, service in CALLS.items():
        host = settings("plant", setting.partition("_")[0].lower())[setting].removeprefix("dns:///").partition(":")[0]
        assert host in found[f"flawgate-{service}-tls"]["dnsNames"]


@pytest.mark.parametrize("service", PROBED)
async def test_readiness_is_asked_by_tls(service: str, tmp_path: Path) -> None:
    """The very command of the manifest, with its settings and a Secret's folder, finds a server with TLS healthy."""
    found = settings("plant", service)
    exec_ = container("plant", service)["readinessProbe"]["exec"]
    (name,) = re.findall(r"flawgate\.\w+\.v1\.\w+", " ".join(exec_["command"]))
    authority = CertificateAuthority(tmp_path)
    _fill(tmp_path, authority, service)
    files = {key: value.replace(FOLDER, str(tmp_path)) for key, value in found.items() if FOLDER in value}
    served = {key.removeprefix(f"{service.upper()}_").lower(): value for key, value in files.items()}
    own = {key: value for key, value in served.items() if key.startswith("tls_")}
    server = create_grpc_server(
        ProbedSettings.model_validate(own), 0, CollectorRegistry(), [GrpcService(name, _nothing)]
    )
    await server.start(serving=True)
    environment = {**os.environ, **files, f"{service.upper()}_PORT": str(server.port)}
    command = [sys.executable, *exec_["command"][1:]]
    try:
        done = await anyio.run_process(command, env=environment, check=False)
    finally:
        await server.server.stop(0)
    assert (done.returncode, done.stderr) == (0, b"")


def _nothing(server: grpc.aio.Server) -> None:
    """Of the service no more is needed than its name."""


def _fill(folder: Path, authority: CertificateAuthority, host: str) -> None:
    """As cert-manager fills a Secret."""
    certificate, key = authority.issue("issued", host=host)
    for source, name in ((certificate, "tls.crt"), (key, "tls.key"), (authority.file, "ca.crt")):
        (folder / name).write_bytes(source.read_bytes())


def test_overlays_without_the_component_stay_as_they_were() -> None:
    """`dev` and `line` name no certificate, and nobody there must make one."""
    for overlay in ("dev", "line"):
        for service in SERVICES:
            assert not any("TLS" in name for name in settings(overlay, service))

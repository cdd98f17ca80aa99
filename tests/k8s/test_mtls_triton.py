"""The options of the overlay `plant`, given to a real tritonserver (2.51)."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import CertificateAuthority
from support.manifests import ROOT, container
from support.ports import free_port

from flawgate_contracts.errors import ModelServerUnavailable
from flawgate_contracts.tls.files import TlsFiles
from flawgate_contracts.tls.kept import KeptTls
from flawgate_decision.triton import TritonModelServer

pytestmark = pytest.mark.cluster

FOLDER = "/run/secrets/flawgate/tls"
TRITON = ROOT / "services/triton"
START_TIMEOUT_S = 60.0
RUN = """
import os, sys
from flawgate_triton.installation import find_installation
found = find_installation()
folders = os.pathsep.join(map(str, found.library_folders))
os.execve(found.binary, [str(found.binary), *sys.argv[1:]], {"LD_LIBRARY_PATH": folders})
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A factory's own root."""
    return CertificateAuthority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def target(authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a tritonserver without models, whose Secret names it."""
    certificate, key = authority.issue("triton")
    names = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.file}
    secret = tmp_path_factory.mktemp("secret")
    for name, source in names.items():
        (secret / name).write_bytes(source.read_bytes())
    port = free_port()
    options = [each.replace(FOLDER, str(secret)) for each in container("plant", "triton")["args"] if "--grpc-" in each]
    options += [f"--model-repository={tmp_path_factory.mktemp('models')}", "--model-control-mode=explicit"]
    options += [f"--grpc-port={port}", "--grpc-address=127.0.0.1", "--allow-http=false", "--allow-metrics=false"]
    python = TRITON / ".venv/bin/python"
    with (secret / "log").open("wb") as log:
        process = subprocess.Popen([python, "-c", RUN, *options], cwd=TRITON, stdout=log, stderr=log)
    try:
        _wait(process, secret / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(START_TIMEOUT_S)


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while b"Started GRPCInferenceService" not in log.read_bytes():
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def asked(target: str, files: TlsFiles | None) -> int:
    """How many models it says that it has, as decision asks for them."""
    server = TritonModelServer(
        target, max_message_bytes=1024, tls=None if files is None else KeptTls("upstream_tls", files)
    )
    try:
        return len(await server.models())
    finally:
        await server.close()


async def test_triton_answers_whom_it_knows(target: str, authority: CertificateAuthority, tmp_path: Path) -> None:
    """Decision with its certificate; nobody without one, with a stranger's, or without TLS."""
    stranger = CertificateAuthority(tmp_path, "stranger")
    assert await asked(target, TlsFiles(*authority.issue("decision"), authority.file)) == 0
    for files in (None, TlsFiles(None, None, authority.file), TlsFiles(*stranger.issue("x"), authority.file)):
        with pytest.raises(ModelServerUnavailable):
            await asked(target, files)

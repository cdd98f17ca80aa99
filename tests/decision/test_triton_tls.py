"""Triton's gRPC port with TLS: its protocol on a server whose callers need a certificate."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from support.certificates import EXPIRED, CertificateAuthority
from tritonclient.grpc import service_pb2, service_pb2_grpc

from flawgate_contracts.errors import ModelServerUnavailable
from flawgate_contracts.tls.files import TlsFiles
from flawgate_contracts.tls.kept import KeptTls
from flawgate_decision.triton import TritonModelServer

UNTIL_RENEWED_S = 10.0


class EmptyTriton(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # the stubs have no annotations
    """Serves no model, and says so."""

    def RepositoryIndex(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
        """No model."""
        del request, context
        return service_pb2.RepositoryIndexResponse()


@contextmanager
def empty_triton(authority: CertificateAuthority) -> Iterator[str]:
    """Its `host:port`, as `tritonserver --grpc-use-ssl-mutual=true` has it."""
    certificate, key = (path.read_bytes() for path in authority.issue("triton"))
    server = grpc.server(ThreadPoolExecutor(2))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(EmptyTriton(), server)
    ca = authority.file.read_bytes()
    credentials = grpc.ssl_server_credentials([(key, certificate)], ca, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0.2).wait()


async def looked(target: str, files: TlsFiles | None) -> list[Any]:
    """Its models, as decision asks for them."""
    tls = None if files is None else KeptTls("upstream_tls", files)
    server = TritonModelServer(target, max_message_bytes=1024, tls=tls)
    try:
        return list(await server.models())
    finally:
        await server.close()


async def test_triton_is_asked_over_mutual_tls(tmp_path: Path) -> None:
    """With a certificate it knows; without one, with a stranger's, or without TLS it does not answer."""
    authority, stranger = CertificateAuthority(tmp_path), CertificateAuthority(tmp_path, "stranger")
    with empty_triton(authority) as target:
        assert await looked(target, TlsFiles(*authority.issue("decision"), authority.file)) == []
        unknown = (TlsFiles(*stranger.issue("x"), authority.file), TlsFiles(None, None, authority.file), None)
        for files in unknown:
            with pytest.raises(ModelServerUnavailable):
                await looked(target, files)


async def test_a_renewed_certificate_is_shown_to_triton(tmp_path: Path) -> None:
    """Without a restart: the first one had ended."""
    authority = CertificateAuthority(tmp_path)
    files = TlsFiles(*authority.issue("decision", life=EXPIRED), authority.file)
    with empty_triton(authority) as target:
        server = TritonModelServer(target, max_message_bytes=1024, tls=KeptTls("upstream_tls", files))
        with pytest.raises(ModelServerUnavailable):
            await server.models()
        authority.issue("decision")
        deadline = time.monotonic() + UNTIL_RENEWED_S
        while not await answers(server):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        await server.close()


async def answers(server: TritonModelServer) -> bool:
    """Whether it tells of its models."""
    try:
        await server.models()
    except ModelServerUnavailable:
        return False
    return True

"""TLS of a gRPC server."""

import threading

import grpc

from flawgate_contracts.tls.files import TlsContents
from flawgate_contracts.tls.kept import KeptTls


def server_credentials(kept: KeptTls) -> grpc.ServerCredentials:
    """What a server shows, asked for anew at each handshake; where roots are named, clients must have a certificate."""
    shown = _Shown(kept)
    return grpc.dynamic_ssl_server_credentials(
        _configuration(shown.contents),
        shown.changed,  # type: ignore[arg-type]  # narrower than grpc's documentation, which has None for "as before"
        require_client_authentication=shown.contents.ca is not None,
    )


class _Shown:
    """What gRPC was given last."""

    def __init__(self, kept: KeptTls) -> None:
        self.contents = kept.current()
        self._kept = kept
        self._lock = threading.Lock()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What is in force now; None where gRPC has it. Called by gRPC's threads."""
        with self._lock:
            contents = self._kept.current()
            if contents is self.contents:
                return None
            self.contents = contents
            return _configuration(contents)


def _configuration(contents: TlsContents) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([contents.shown] if contents.shown else [], contents.ca)

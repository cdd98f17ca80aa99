"""TLS to the process beside oneself, which is asked how it is, not who: any certificate will do that is good now."""

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

Pair = tuple[Path, Path]
"""PEM files of a certificate and of its private key."""


@dataclass(frozen=True, slots=True)
class Beside:
    """How a server on this machine is called that has TLS."""

    shown: Pair | None = None
    """What is shown to it; None where it asks for no certificate."""

    @classmethod
    def of_settings(cls, prefix: str, environment: Mapping[str, str] = os.environ) -> "Beside | None":
        """As the server's own settings have it; its own certificate is shown to it. None where it has no TLS.

        Args:
            prefix: of the settings, without the last `_`, e.g. `DECISION`.
            environment: where they are.
        """
        certificate, key, client_ca = (
            environment.get(f"{prefix}_TLS_{name}_FILE") for name in ("CERTIFICATE", "KEY", "CLIENT_CA")
        )
        if not certificate or not key:
            return None
        return cls((Path(certificate), Path(key)) if client_ca else None)

    def https(self) -> ssl.SSLContext:
        """For a URL; no certificate is refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self.shown is not None:
            context.load_cert_chain(*self.shown)
        return context

    def grpc_credentials(self, host: str, port: int, timeout_s: float) -> tuple[grpc.ChannelCredentials, str]:
        """For a gRPC server: trust in the very certificate that it presents, and a name out of it to call it by.

        gRPC knows no calls without a trusted certificate.

        Args:
            host: name or address of the server.
            port: its port.
            timeout_s: longest time for each of two handshakes, in seconds.

        Raises:
            OSError: nobody answers by TLS, the certificate is not good now or names no host, or none can be shown.
        """
        presented, _ = self._handshake(host, port, timeout_s, self.https())
        _, names = self._handshake(host, port, timeout_s, self._trusting(presented))
        if not names:
            raise OSError("its certificate names no host, so that no caller trusts it")
        certificate, key = (path.read_bytes() for path in self.shown) if self.shown else (None, None)
        return grpc.ssl_channel_credentials(presented.encode(), key, certificate), names[0].replace("*", "any")

    def _trusting(self, certificate: str) -> ssl.SSLContext:
        context = self.https()
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=certificate)
        return context

    def _handshake(self, host: str, port: int, timeout_s: float, context: ssl.SSLContext) -> tuple[str, list[str]]:
        """The certificate that the server presents, PEM, and, once it is trusted, the hosts that it names."""
        with (
            socket.create_connection((host, port), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            der = connection.getpeercert(binary_form=True)
            told: Mapping[str, Any] = connection.getpeercert() or {}
        names = [str(name) for _, name in told.get("subjectAltName", ())]
        return ssl.DER_cert_to_PEM_cert(der or b""), names

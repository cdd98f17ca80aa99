"""The certificate that both doors show, read and checked once, at the start."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from flawgate_contracts.startup import StartupError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the PEM files are."""

    certificate: Path
    """The gateway's own, then those between it and its root."""
    key: Path
    """Its private key, without a password."""
    client_ca: Path | None = None
    """Roots of the clients' certificates; None where clients need none."""

    def context(self) -> ssl.SSLContext:
        """A context for a server: TLS 1.2 or newer; with `client_ca` only clients that have a certificate get in.

        Raises:
            StartupError: a file is missing, unreadable, or does not fit.
        """
        for path in (self.certificate, self.key, self.client_ca):
            _check_readable(path)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # An encrypted key would make OpenSSL ask on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (ssl.SSLError, ValueError) as err:
            raise StartupError(
                f"{self.certificate} and {self.key} are no PEM certificate and its own private key without a password; "
                "name files that are."
            ) from err
        if self.client_ca is not None:
            _trust(context, self.client_ca)
        return context

    def contents(self) -> tuple[bytes, bytes, bytes | None]:
        """The certificate, the key, the clients' roots; PEM.

        Raises:
            StartupError: a file is missing, unreadable, or does not fit.
        """
        self.context()
        return (
            self.certificate.read_bytes(),
            self.key.read_bytes(),
            None if self.client_ca is None else self.client_ca.read_bytes(),
        )


def _check_readable(path: Path | None) -> None:
    if path is None:
        return
    try:
        path.read_bytes()
    except OSError as err:
        raise StartupError(f"The TLS file {path} cannot be read: {err.strerror or err}.") from err


def _trust(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(client_ca)
    except ssl.SSLError as err:
        raise StartupError(
            f"{client_ca} holds no certificate (PEM) to know clients by; name a file that does."
        ) from err
    context.verify_mode = ssl.CERT_REQUIRED


def _no_password() -> str:
    raise ValueError

"""The PEM files of one side of TLS, and whether they fit together."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flawgate_contracts.checkup.certificates import in_pem, validity
from flawgate_contracts.startup import StartupError

Stamps = tuple[tuple[int, int, int] | None, ...]
"""Of each file: when it was changed, in nanoseconds, its size in bytes, its inode; None where it is not there."""


@dataclass(frozen=True, slots=True)
class TlsContents:
    """What the files hold, PEM; None where no file is named."""

    shown: tuple[bytes, bytes] | None
    """Private key and certificate."""
    ca: bytes | None

    def ends(self) -> dict[str, datetime]:
        """When the first certificate of each file ends, UTC; by `certificate` and `ca`.

        Raises:
            ValueError: what stands between the lines BEGIN and END is none.
        """
        held = {"certificate": self.shown and self.shown[1], "ca": self.ca}
        return {name: _first_end(pem) for name, pem in held.items() if pem is not None}


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the PEM files are: of a server certificate and key at least, of a client `ca` at least."""

    certificate: Path | None
    """One's own, then those between it and its root."""
    key: Path | None
    """Its private key, without a password."""
    ca: Path | None = None
    """Roots of the other side's certificates."""

    def server_context(self) -> ssl.SSLContext:
        """A context for a server: TLS 1.2 or newer; with `ca` only clients that have a certificate get in.

        Raises:
            StartupError: a file is missing, unreadable, or does not fit.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load(context)
        if self.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            # A ticket would let a client in again after its root is trusted no more.
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        return context

    def read(self) -> TlsContents:
        """What the files hold, once it is known to fit.

        Raises:
            StartupError: a file is missing, unreadable, or does not fit, or they are being changed just now.
        """
        before = self.stamps()
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        certificate, key, ca = (
            None if path is None else _bytes(path) for path in (self.certificate, self.key, self.ca)
        )
        contents = TlsContents((key, certificate) if key and certificate else None, ca)
        _check_ends(contents, f"{self.certificate or self.ca}")
        if self.stamps() != before:
            raise StartupError("The TLS files were changed while they were read; start again.")
        return contents

    def stamps(self) -> Stamps:
        """Differ once a file was changed or replaced; None for one that is not there."""
        return tuple(_stamp(path) for path in self._named())

    def _named(self) -> Iterator[Path]:
        yield from filter(None, (self.certificate, self.key, self.ca))

    def _load(self, context: ssl.SSLContext) -> None:
        for path in self._named():
            _bytes(path)
        if self.certificate is not None and self.key is not None:
            _show(context, self.certificate, self.key)
        if self.ca is not None:
            _trust(context, self.ca)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise StartupError(f"The TLS file {path} cannot be read: {err.strerror or err}.") from err


def _check_ends(contents: TlsContents, where: str) -> None:
    try:
        contents.ends()
    except ValueError as err:
        raise StartupError(f"{where} holds what is no X.509 certificate; take it out.") from err


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_ctime_ns, known.st_size, known.st_ino


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # An encrypted key would make OpenSSL ask on the terminal.
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as err:
        raise StartupError(
            f"{certificate} and {key} are no PEM certificate and its own private key without a password; "
            "name files that are."
        ) from err


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except OSError as err:
        raise StartupError(
            f"{ca} holds no certificate (PEM) to know the other side by; name a file that does."
        ) from err


def _first_end(pem: bytes) -> datetime:
    return min(validity(der).ends for der in in_pem(pem.decode("utf-8", errors="replace")))


def _no_password() -> str:
    raise ValueError

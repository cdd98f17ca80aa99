"""TLS of the REST door."""

import ssl
from contextlib import suppress

from flawgate_contracts.startup import StartupError
from flawgate_contracts.tls.kept import KeptTls
from flawgate_gateway.settings import GatewaySettings


def server_context(settings: GatewaySettings) -> ssl.SSLContext | None:
    """What the REST door shows its callers, renewed as its files are; None where no certificate is set.

    Raises:
        StartupError: a file is missing, unreadable, or does not fit.
    """
    files = settings.tls_files()
    if files is None:
        return None
    shown = _Shown(KeptTls("tls", files))
    context = shown.context
    context.sni_callback = shown.choose
    return context


class _Shown:
    """The context of the files that are in force."""

    def __init__(self, kept: KeptTls) -> None:
        self._kept = kept
        self._contents = kept.current()
        self.context = kept.files.server_context()

    def choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """At the beginning of each handshake, whether the client names a host or not: go on with what is in force."""
        contents = self._kept.current()
        if contents is not self._contents:
            # Changed once more since they were looked at: the next handshake finds them whole.
            with suppress(StartupError):
                self.context, self._contents = self._kept.files.server_context(), contents
        connection.context = self.context

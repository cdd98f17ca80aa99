"""TLS of the REST door."""

import ssl

from flawgate_gateway.settings import GatewaySettings


def server_context(settings: GatewaySettings) -> ssl.SSLContext | None:
    """What the REST door shows its callers; None where no certificate is set.

    Raises:
        StartupError: a file is missing, unreadable, or does not fit.
    """
    files = settings.tls_files()
    return None if files is None else files.context()

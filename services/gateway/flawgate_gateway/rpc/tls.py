"""TLS of the gRPC door."""

import grpc

from flawgate_gateway.settings import GatewaySettings


def server_credentials(settings: GatewaySettings) -> grpc.ServerCredentials | None:
    """What the gRPC door shows its callers; None where no certificate is set.

    Raises:
        StartupError: a file is missing, unreadable, or does not fit.
    """
    files = settings.tls_files()
    if files is None:
        return None
    certificate, key, client_ca = files.contents()
    return grpc.ssl_server_credentials([(key, certificate)], client_ca, require_client_auth=client_ca is not None)

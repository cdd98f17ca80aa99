"""All TLS files of one service."""

from prometheus_client import CollectorRegistry

from flawgate_contracts.metrics.serving import CertificateMetrics
from flawgate_contracts.tls.files import TlsFiles
from flawgate_contracts.tls.kept import KeptTls


class Certificates:
    """Keeps them up to date, and lets metrics show when they end.

    Args:
        registry: of the service.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics = CertificateMetrics(registry)

    def kept(self, name: str, files: TlsFiles | None) -> KeptTls | None:
        """Files kept up to date from now on; None where there are none.

        Args:
            name: of the settings that name them, without the service, e.g. `tls`.
            files: the files.

        Raises:
            StartupError: one is missing, unreadable, or does not fit.
        """
        if files is None:
            return None
        kept = KeptTls(name, files)
        self._metrics.add(lambda: _ends(kept))
        return kept


def _ends(kept: KeptTls) -> dict[str, float]:
    return {f"{kept.name}_{file}": end.timestamp() for file, end in kept.current().ends().items()}

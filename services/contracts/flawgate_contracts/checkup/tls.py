"""Whether the files of TLS that a service's settings name fit together, and for how long they are good."""

from collections.abc import Iterator

from pydantic import ValidationError

from flawgate_contracts.checkup.certificates import in_pem, judged, now_utc, validity
from flawgate_contracts.checkup.findings import Check, Finding, Place, error, skipped
from flawgate_contracts.checkup.variables import settings_from
from flawgate_contracts.settings import GrpcServiceSettings
from flawgate_contracts.startup import StartupError
from flawgate_contracts.tls.files import TlsFiles


def tls_check(service: str, settings_class: type[GrpcServiceSettings], place: Place) -> Check:
    """A check of the files of TLS of a service.

    Args:
        service: its name.
        settings_class: what it is told at its start.
        place: knows the environment.
    """
    return Check("certificates", service, lambda: _look(service, settings_class, place))


def _look(service: str, settings_class: type[GrpcServiceSettings], place: Place) -> Iterator[Finding]:
    prefix = settings_class.model_config.get("env_prefix", "")
    try:
        named = settings_from(settings_class, place.environment(service)).all_tls_files()
    except ValidationError:
        yield skipped(f"The settings of {service} are wrong (see settings), so nobody knows which files it uses.")
        return
    for name, files in named.items():
        yield from _judge(f"{prefix}{name}".upper(), files)
    if not named:
        yield skipped(f"No {prefix}TLS_CERTIFICATE_FILE is set.")


def _judge(variables: str, files: TlsFiles) -> Iterator[Finding]:
    """Of the files that settings beginning so name."""
    try:
        files.read()
    except StartupError as err:
        yield error(str(err), f"Correct the files that {variables}_... name.", subject=variables)
        return
    for path in filter(None, (files.certificate, files.ca)):
        for number, der in enumerate(in_pem(path.read_text("utf-8", errors="replace")), 1):
            what = f"Certificate {number} of {path}"
            yield judged(validity(der), what=what, now=now_utc(), subject=f"{path.name} {number}")

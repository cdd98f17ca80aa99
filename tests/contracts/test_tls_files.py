"""TLS files in settings, at the start and when they change."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs
from support.certificates import CertificateAuthority
from support.tls_echo import EchoSettings, caller_files, echo_server, server_files

from flawgate_contracts.startup import StartupError, settings_sentence
from flawgate_contracts.tls import kept as kept_module
from flawgate_contracts.tls.files import TlsFiles
from flawgate_contracts.tls.kept import KeptTls

UNTIL_SEEN_S = 10.0


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """A factory's own root."""
    return CertificateAuthority(tmp_path)


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ({"tls_certificate_file": "a"}, "ECHO_TLS_KEY_FILE: .*give ECHO_TLS_CERTIFICATE_FILE too, or neither"),
        ({"tls_key_file": "a"}, "ECHO_TLS_KEY_FILE: .*give ECHO_TLS_CERTIFICATE_FILE too, or neither"),
        ({"tls_client_ca_file": "a"}, "ECHO_TLS_CLIENT_CA_FILE: .*without ECHO_TLS_CERTIFICATE_FILE"),
        (
            {"upstream_tls_certificate_file": "a", "upstream_tls_key_file": "b"},
            "ECHO_UPSTREAM_TLS_CERTIFICATE_FILE: without ECHO_UPSTREAM_TLS_CA_FILE there is no TLS",
        ),
        (
            {"upstream_tls_ca_file": "a", "upstream_tls_certificate_file": "b"},
            "ECHO_UPSTREAM_TLS_KEY_FILE: .*give ECHO_UPSTREAM_TLS_CERTIFICATE_FILE too",
        ),
        (
            {"upstream_tls_ca_file": "a", "upstream_tls_key_file": "b"},
            "ECHO_UPSTREAM_TLS_KEY_FILE: .*give ECHO_UPSTREAM_TLS_CERTIFICATE_FILE too",
        ),
    ],
)
def test_half_a_set_is_one_sentence(named: dict[str, str], sentence: str) -> None:
    """It names the variable that is missing."""
    with pytest.raises(ValidationError) as caught:
        EchoSettings.model_validate(named)
    assert re.search(sentence, settings_sentence(EchoSettings, caught.value))


def test_without_files_there_is_no_tls() -> None:
    """Plain stays the default."""
    assert EchoSettings().all_tls_files() == {}


def test_a_caller_needs_no_certificate_of_its_own(authority: CertificateAuthority) -> None:
    """With a root alone it knows whom it calls, and stays unknown."""
    named = EchoSettings.model_validate(caller_files(authority.file)).all_tls_files()
    assert named == {"upstream_tls": TlsFiles(None, None, authority.file)}
    contents = named["upstream_tls"].read()
    assert (contents.shown, contents.ca) == (None, authority.file.read_bytes())


async def test_a_server_does_not_start_on_files_that_do_not_fit(authority: CertificateAuthority) -> None:
    """The key of another certificate: which files, in one sentence."""
    certificate, _ = authority.issue("server")
    _, other = authority.issue("other")
    with pytest.raises(StartupError, match=r"server\.crt and .*other\.key are no PEM certificate and its own"):
        async with echo_server(**server_files((certificate, other))):
            pass


def test_a_key_may_stand_in_the_file_of_its_certificate(authority: CertificateAuthority) -> None:
    """As some tools write them."""
    certificate, key = authority.issue("server")
    both = certificate.with_suffix(".pem")
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    assert TlsFiles(both, both).read().ends().keys() == {"certificate"}


def until(said: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + UNTIL_SEEN_S
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def looked_at(kept: KeptTls) -> None:
    """As a process does that goes on using them, for three looks."""
    deadline = time.monotonic() + 3.2 * kept_module.LOOK_S
    while time.monotonic() < deadline:
        kept.current()
        time.sleep(0.05)


def test_renewed_files_are_in_force_within_moments(authority: CertificateAuthority) -> None:
    """Also where a link is set to others, as Kubernetes does with secrets; what did not change is the same object."""
    folder = authority.folder / "mounted"
    first, second = (_secret(authority, name) for name in ("first", "second"))
    folder.symlink_to(first)
    kept = KeptTls("tls", TlsFiles(folder / "tls.crt", folder / "tls.key", authority.file))
    before = kept.current()
    looked_at(kept)
    assert kept.current() is before
    folder.unlink()
    folder.symlink_to(second)
    until(lambda: kept.current().shown != before.shown)
    assert kept.current().shown == ((second / "tls.key").read_bytes(), (second / "tls.crt").read_bytes())


def _secret(authority: CertificateAuthority, name: str) -> Path:
    folder = authority.folder / name
    folder.mkdir()
    for path in authority.issue(name):
        path.rename(folder / f"tls{path.suffix}")
    return folder


@pytest.mark.parametrize("harm", ["half", "gone", "nonsense"])
def test_files_that_cannot_be_used_leave_in_force_what_was(authority: CertificateAuthority, harm: str) -> None:
    """One line says so, however long that lasts; once they fit, they are in force."""
    certificate, key = authority.issue("server")
    kept = KeptTls("tls", TlsFiles(certificate, key))
    before = kept.current()
    broken: dict[str, Callable[[], Any]] = {
        "half": lambda: certificate.write_bytes(authority.issue("other")[0].read_bytes()),
        "gone": certificate.unlink,
        "nonsense": lambda: certificate.write_bytes(b"nonsense"),
    }
    with capture_logs() as lines:
        broken[harm]()
        looked_at(kept)
        assert kept.current() is before
    assert [line["event"] for line in lines] == ["renewed TLS files cannot be used; those before stay in force"]
    authority.issue("server")
    until(lambda: kept.current() is not before)


@pytest.mark.parametrize(("host", "tls", "warned"), [("::", False, 1), ("::", True, 0), ("127.0.0.1", False, 0)])
async def test_a_port_that_others_reach_without_tls_is_warned_of(
    authority: CertificateAuthority, host: str, *, tls: bool, warned: int
) -> None:
    """At the start; on loopback nobody else listens."""
    files = server_files(authority.issue("server")) if tls else {}
    with capture_logs() as lines:
        async with echo_server(host=host, **files):
            pass
    assert [line["log_level"] for line in lines if "no TLS" in line["event"]] == ["warning"] * warned

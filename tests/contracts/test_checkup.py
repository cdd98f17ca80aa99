from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pydantic_settings import SettingsConfigDict
from support.certificates import CertificateAuthority

from flawgate_contracts.checkup.certificates import Validity, in_pem, judged, validity
from flawgate_contracts.checkup.disks import LEAST_BYTES, Need, room, size
from flawgate_contracts.checkup.disks import judged as judged_disk
from flawgate_contracts.checkup.findings import Check, Place, Status
from flawgate_contracts.checkup.variables import settings_check, settings_from
from flawgate_contracts.settings import GrpcServiceSettings

GB = 10**9
NOW = datetime(2026, 11, 22, tzinfo=UTC)
A_DAY = timedelta(days=1)


class KilnSettings(GrpcServiceSettings):
    """A service that does not exist."""

    model_config = SettingsConfigDict(env_prefix="KILN_", frozen=True, extra="forbid")

    heat: int = 900


FIELDS = len(KilnSettings.model_fields)


def kiln_check(environment: Mapping[str, str]) -> Check:
    """Of a kiln that was started with this environment."""
    return settings_check("kiln", KilnSettings, Place(Path(), environments={"kiln": environment}))


def test_the_validity_of_a_certificate_is_read(tmp_path: Path) -> None:
    """The same moments as a library for certificates reads, of each certificate of a file."""
    authority = CertificateAuthority(tmp_path)
    leaf, _ = authority.issue("gateway")
    pem = f"a line of text\n{leaf.read_text()}{authority.file.read_text()}"
    known = x509.load_pem_x509_certificates(pem.encode())
    expected = [Validity(each.not_valid_before_utc, each.not_valid_after_utc) for each in known]
    assert [validity(der) for der in in_pem(pem)] == expected


@pytest.mark.parametrize("year", [1999, 2049, 2050, 2120])
def test_years_of_both_notations_are_read(tmp_path: Path, year: int) -> None:
    """Until 2049 a year has two digits, from 2050 on four (RFC 5280)."""
    authority = CertificateAuthority(tmp_path)
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([]))
    builder = builder.not_valid_before(datetime(1998, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(year, 3, 4, 5, 6, 7, tzinfo=UTC)
    )
    builder = builder.public_key(authority._key.public_key()).serial_number(300)
    der = builder.sign(authority._key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    assert validity(der).ends == datetime(year, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize("data", [b"", b"0", b"0\x02", b"hello, this is no certificate", b"\x30\x03\x02\x01\x01"])
def test_what_is_no_certificate_is_said(data: bytes) -> None:
    """Whatever bytes come."""
    with pytest.raises(ValueError, match=r"no X\.509 certificate"):
        validity(data)


@pytest.mark.parametrize(
    ("begins", "ends", "status", "said"),
    [
        (-A_DAY, 90 * A_DAY, "ok", "is good until 2027-02-20 00:00 UTC (90 days)"),
        (-A_DAY, 29 * A_DAY, "warning", "(29 days)"),
        (-A_DAY, A_DAY / 2, "warning", "(12 hours)"),
        (-9 * A_DAY, -A_DAY, "error", "expired at 2026-11-21 00:00 UTC"),
        (A_DAY, 90 * A_DAY, "error", "is good from 2026-11-23 00:00 UTC on only"),
    ],
)
def test_a_certificate_is_judged(begins: timedelta, ends: timedelta, status: Status, said: str) -> None:
    """A month before its end it is time to renew it."""
    finding = judged(Validity(NOW + begins, NOW + ends), what="It", now=NOW)
    assert (finding.status, said in finding.says, bool(finding.advice)) == (status, True, status != "ok")


@pytest.mark.parametrize(
    ("free", "need", "status"),
    [
        (100 * GB, Need(), "ok"),
        (100 * GB, Need(None, 500 * GB), "ok"),
        (100 * GB, Need(10 * GB, 500 * GB), "ok"),
        (60 * GB, Need(10 * GB, 500 * GB), "warning"),
        (60 * GB, Need(10 * GB, None), "warning"),
        (60 * GB, Need(10 * GB, 50 * GB), "ok"),
        (60 * GB, Need(70 * GB, 500 * GB), "error"),
        (40 * GB, Need(), "warning"),
        (LEAST_BYTES - 1, Need(), "error"),
    ],
)
def test_a_disk_is_judged(free: int, need: Need, status: Status) -> None:
    """By what a day takes, unless the bound of the archive acts first; nearly nothing is an error in any case."""
    assert judged_disk(free, 1000 * GB, need, folder=Path("pictures"), subject="archive").status == status


def test_the_disk_of_a_folder_that_is_not_there_yet_is_looked_at(tmp_path: Path) -> None:
    """It is that of the folder in which it will be made."""
    says = room(tmp_path / "to" / "come", subject="data").says
    assert says.startswith(f"{tmp_path / 'to' / 'come'} has ")


@pytest.mark.parametrize(
    ("count", "said"), [(999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (3e9, "3.0 GB"), (4.2e12, "4.2 TB")]
)
def test_bytes_are_said_for_people(count: float, said: str) -> None:
    """With the unit that fits."""
    assert size(count) == said


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OTHER": "1"}, [("ok", "", "No variable KILN_... is set; the defaults hold.")]),
        (
            {"KILN_HEAT": "7", "kiln_grace_s": "8"},
            [("ok", "", f"2 of {FIELDS} variables KILN_... are set, and understood.")],
        ),
        (
            {"KILN_HAET": "secret"},
            [
                ("warning", "KILN_HAET", "Nobody reads KILN_HAET: there is no such setting."),
                ("ok", "", "No variable KILN_... is set; the defaults hold."),
            ],
        ),
        (
            {"KILN_HEAT": "secret"},
            [
                (
                    "error",
                    "",
                    "Wrong settings: KILN_HEAT: Input should be a valid integer, unable to parse string as an integer.",
                )
            ],
        ),
    ],
)
def test_the_environment_of_a_service_is_reviewed(
    environment: dict[str, str], expected: list[tuple[Status, str, str]]
) -> None:
    """Names that nobody reads and values that cannot be, without telling a value."""
    found = [(each.status, each.subject, each.says) for each in kiln_check(environment).look()]
    assert found == expected


def test_a_slip_of_the_pen_is_guessed() -> None:
    """Who is near enough to a setting is told its name."""
    assert [each.advice for each in kiln_check({"KILN_HAET": "1", "KILN_ZZZZZZ": "1"}).look()][:2] == [
        "Write KILN_HEAT, if that is meant; else unset it.",
        "Unset it, or correct its name.",
    ]


def test_settings_are_those_of_the_other_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process has in its own does not count; what the caller names counts most."""
    monkeypatch.setenv("KILN_HEAT", "1")
    monkeypatch.setenv("KILN_PORT", "1")
    assert settings_from(KilnSettings, {"KILN_HEAT": "2", "KILN_DRAIN_S": "3"}, drain_s=4).model_dump(
        include={"heat", "drain_s", "grace_s"}
    ) == {"heat": 2, "drain_s": 4, "grace_s": 10}

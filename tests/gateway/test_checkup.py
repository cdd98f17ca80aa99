"""What the gateway tells `flawgate doctor` of itself."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import text
from support.certificates import CertificateAuthority
from support.databases import database_url, postgres

from flawgate_contracts.checkup.findings import Finding, Place, Status
from flawgate_gateway.checkup import records
from flawgate_gateway.checkup.checks import checks
from flawgate_gateway.database.connections import connect
from flawgate_gateway.database.migrating import Standing, upgrade

__all__ = ["database_url", "postgres"]

NOTHING: Mapping[str, str] = {}


def look(area: str, name: str, data_dir: Path | None, environment: Mapping[str, str] = NOTHING) -> list[Finding]:
    """Run one check on a gateway that was started with this environment, or would be."""
    place = Place(Path("models"), data_dir, {"gateway": environment})
    (check,) = (each for each in checks(place) if (each.area, each.name) == (area, name))
    return list(check.look())


def statuses(findings: list[Finding]) -> list[Status]:
    """What is found, in a word each."""
    return [finding.status for finding in findings]


async def made(url: str, revision: str | None = None) -> None:
    """Make the tables; with a revision, say that they are of that one."""
    database = connect(url)
    await upgrade(database)
    if revision is not None:
        async with database.writing() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    await database.close()


async def test_a_database_with_all_tables_is_well(database_url: str) -> None:
    """SQLite and PostgreSQL alike."""
    await made(database_url)
    (finding,) = await in_thread("database", "tables", {"GATEWAY_DATABASE_URL": database_url})
    assert (finding.status, "has this version's tables" in finding.says) == ("ok", True)


async def test_tables_of_a_newer_version_are_an_error(database_url: str) -> None:
    """The gateway would refuse to start; nothing is changed by looking."""
    await made(database_url, "9999")
    for _ in range(2):
        (finding,) = await in_thread("database", "tables", {"GATEWAY_DATABASE_URL": database_url})
        assert (finding.status, "newer Flawgate (revision 9999)" in finding.says) == ("error", True)


async def in_thread(area: str, name: str, environment: Mapping[str, str]) -> list[Finding]:
    """As the doctor does, in a thread of its own."""
    import asyncio  # noqa: PLC0415

    return await asyncio.to_thread(look, area, name, None, environment)


def test_before_the_first_start_there_is_no_database(tmp_path: Path) -> None:
    """That is no fault, and looking makes none."""
    assert statuses(look("database", "tables", tmp_path)) == ["skipped"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("stands", "status"),
    [
        (Standing("0002", "0002", known=True), "ok"),
        (Standing("0001", "0002", known=True), "warning"),
        (Standing("0003", "0002", known=False), "error"),
        (Standing(None, "0002", known=True), "ok"),
    ],
)
def test_revisions_are_judged(stands: Standing, status: Status) -> None:
    """Older tables are changed by the next start, so whoever is asked should keep a copy."""
    assert records.judged(stands, "records.db").status == status


def test_an_empty_database_is_well(tmp_path: Path) -> None:
    """The gateway makes its tables."""
    sqlite3.connect(tmp_path / "records.db").close()
    (finding,) = look("database", "tables", tmp_path)
    assert (finding.status, "is empty" in finding.says) == ("ok", True)


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    """And stays as it is."""
    file = tmp_path / "records.db"
    file.write_bytes(b"This was a database once. " * 100)
    assert statuses(look("database", "tables", tmp_path)) == ["error"]
    assert file.read_bytes() == b"This was a database once. " * 100


@pytest.mark.parametrize("place", ["GATEWAY_DATABASE_URL", "GATEWAY_DATABASE_URL_FILE"])
def test_no_password_is_told(tmp_path: Path, place: str) -> None:
    """A database that does not answer is named by host, port and name alone."""
    url = "postgresql://inspector:open-sesame@127.0.0.1:1/records?password=open-sesame"
    file = tmp_path / "url"
    file.write_text(url, "utf-8")
    (finding,) = look("database", "tables", None, {place: url if place.endswith("URL") else str(file)})
    assert (finding.status, "127.0.0.1:1/records" in finding.says) == ("error", True)
    assert "sesame" not in str(finding)
    assert "inspector" not in str(finding)


def test_a_named_folder_counts_more_than_a_url(tmp_path: Path) -> None:
    """As with the other commands on the database."""
    (finding,) = look("database", "tables", tmp_path, {"GATEWAY_DATABASE_URL": "postgresql://127.0.0.1:1/x"})
    assert str(tmp_path) in finding.says


def test_wrong_settings_are_said_once(tmp_path: Path) -> None:
    """By the check of the settings; the others cannot know where to look."""
    wrong = {"GATEWAY_MAX_WAITING": "many"}
    names = [("settings", "sinks file"), ("database", "tables"), ("disk", "gateway"), ("certificates", "gateway")]
    assert [statuses(look(area, name, tmp_path, wrong)) for area, name in names] == [["skipped"]] * 4
    assert statuses(look("settings", "gateway", tmp_path, wrong)) == ["error"]


def test_both_disks_are_looked_at(tmp_path: Path) -> None:
    """That of the records, and that of the pictures; an object store has none."""
    findings = look("disk", "gateway", tmp_path)
    assert [finding.subject for finding in findings] == ["data", "archive"]
    assert [str(tmp_path) in finding.says for finding in findings] == [True, True]
    far = look("disk", "gateway", tmp_path, {"GATEWAY_ARCHIVE_URL": "s3://bucket/pictures"})
    assert [finding.status for finding in far][1] == "skipped"


def test_certificates_of_files_are_judged(tmp_path: Path) -> None:
    """The gateway's own and its clients' roots; those of the tests are good for an hour."""
    authority = CertificateAuthority(tmp_path)
    certificate, key = authority.issue("gateway")
    files = {"GATEWAY_TLS_CERTIFICATE_FILE": str(certificate), "GATEWAY_TLS_KEY_FILE": str(key)}
    findings = look("certificates", "gateway", None, {**files, "GATEWAY_TLS_CLIENT_CA_FILE": str(authority.file)})
    assert [(each.status, each.subject) for each in findings] == [
        ("warning", "gateway.crt 1"),
        ("warning", "root.pem 1"),
    ]
    _, other = authority.issue("other")
    assert statuses(look("certificates", "gateway", None, {**files, "GATEWAY_TLS_KEY_FILE": str(other)})) == ["error"]
    assert statuses(look("certificates", "gateway", None)) == ["skipped"]


def test_a_file_of_sinks_is_tried(tmp_path: Path) -> None:
    """Before the gateway is started with it."""
    file = tmp_path / "sinks.toml"
    file.write_text('[[sinks]]\nkind = "mqtt"\nname = "line"\nhost = "127.0.0.1"\ntls = false\n', "utf-8")
    (finding,) = look("settings", "sinks file", None, {"GATEWAY_SINKS_FILE": str(file)})
    assert (finding.status, finding.says) == ("ok", f"{file} names the sinks: line.")
    file.write_text("[[sinks]]\nkind = 'pigeon'\n", "utf-8")
    assert statuses(look("settings", "sinks file", None, {"GATEWAY_SINKS_FILE": str(file)})) == ["error"]

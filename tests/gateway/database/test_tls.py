import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from support.certificates import CertificateAuthority
from support.postgres import UNPRIVILEGED, PostgresServer, postgres_server

from flawgate_contracts.errors import RecordsUnavailable
from flawgate_gateway.database.connections import connect

ENCRYPTED = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A factory's own root."""
    return CertificateAuthority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(authority: CertificateAuthority) -> Iterator[PostgresServer]:
    """A PostgreSQL with a certificate for 127.0.0.1."""
    with postgres_server() as running:
        running.stop()
        for source, name in zip(authority.issue("database"), ("server.crt", "server.key"), strict=True):
            _give(source, running.folder / name)
        with (running.folder / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write("ssl = on\n")
        running.start()
        yield running


def _give(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED)
        os.chown(target, user.pw_uid, user.pw_gid)


async def encrypted(url: str) -> bool:
    """Whether a connection to this URL has TLS."""
    database = connect(url)
    try:
        async with database.altering() as connection:
            return bool((await connection.execute(ENCRYPTED)).scalar())
    finally:
        await database.close()


@pytest.mark.parametrize(("mode", "expected"), [("disable", False), ("require", True), ("verify-full", True)])
async def test_the_url_says_what_is_encrypted(
    server: PostgresServer, authority: CertificateAuthority, mode: str, *, expected: bool
) -> None:
    """As in PostgreSQL's own programs, so that backup and gateway share one URL."""
    query = f"?sslmode={mode}&sslrootcert={authority.file}"
    assert await encrypted(server.new_database() + query) is expected


async def test_a_stranger_s_database_is_not_spoken_to(
    server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One whose certificate is of another root gets neither password nor records."""
    stranger = CertificateAuthority(tmp_path_factory.mktemp("stranger"))
    with pytest.raises(RecordsUnavailable):
        await encrypted(f"{server.new_database()}?sslmode=verify-full&sslrootcert={stranger.file}")
